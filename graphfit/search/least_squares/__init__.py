"""Least squares: a compiled, batched Levenberg-Marquardt search.

The compiled parts (`batch` and what it calls) import numba: import them inside functions.
"""
