"""Flags of a factor; without numba, so that plans of a run can set them."""

FALLING, DIVISIBLE = 1, 2
"""None after it adds anything; nor does it itself, and it may be cut into pieces."""
