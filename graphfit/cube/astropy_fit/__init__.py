"""Fits of astropy models by astropy's fitters, pixel by pixel.

What a call gives is checked as astropy words it (``axes``, ``arguments``, ``weights``,
``world``, ``units``, ``job``) and read as every cube is, by sources, region by region
(``rows``); cut into pieces (``pieces``), fitted (``pixel``, ``run``), and written down
where it failed (``diagnostics``).  ``compiled`` is the way of our own least squares.
"""
