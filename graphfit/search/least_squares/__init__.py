"""Least squares: Levenberg-Marquardt for one dataset, a graph of them, or a batch.

From the user's side down: `curve_fit` and `levenberg_marquardt`; `row_fits` and
`row_problem` for many rows of data; `batch` and `joint`, which call the compiled drivers
(`drivers`, `bordered`, `sparse`).
"""
