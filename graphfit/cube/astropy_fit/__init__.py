"""Fits of astropy models by astropy's fitters, pixel by pixel.

What a call gives is read once (``arguments``, ``weights``, ``world``, ``units``), cut into
pieces (``pieces``), fitted (``pixel``, ``run``) and written down where it failed
(``diagnostics``).  ``compiled`` is the way of our own least squares.
"""
