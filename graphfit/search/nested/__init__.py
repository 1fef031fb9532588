"""Nested sampling in compiled code: one problem, or one a pixel."""
