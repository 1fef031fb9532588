"""Kernels of what has no formula: by numba as it stands, or by calling Python."""
