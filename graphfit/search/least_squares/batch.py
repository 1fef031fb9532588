"""Batch"""
import math
from concurrent.futures import ThreadPoolExecutor
import numpy as np
from numba import types
from graphfit.compiler.driver import driver
from graphfit.compiler.evaluate import new_cursor, new_scratch, seek, n_informative
from graphfit.compiler.factor_table import TableArrays
from graphfit.search.least_squares.descent import descend
from graphfit.search.least_squares.workspace import Workspace, Problem, Output

_I1 = types.int64[::1]
_F1, _F2, _F3 = types.float64[::1], types.float64[:, ::1], types.float64[:, :, ::1]
SIG = types.void(
    types.NamedUniTuple(_I1, 10, TableArrays), _I1, _F1,
    types.NamedTuple((_F1,)*5+(_F2,)*2+(_F1,_F2,_F1,_I1,_I1), Workspace),
    types.NamedTuple((_F3,_F2,_F2), Problem),
    types.NamedTuple((_F2,_F1,_F3,_F1,types.int32[::1],types.int8[::1]), Output),
    types.float64, types.int64, types.int64, types.int64)

@driver(SIG)
def fit_range(table, cursor, scratch, work, problem, output, tolerance, max_evaluations, first, last):
    for pixel in range(first, last):
        seek(table, cursor, pixel)
        n = n_informative(cursor)
        row = 0 if problem.lower.shape[0] == 1 else pixel
        start = 0 if problem.start.shape[0] == 1 else pixel
        for j in range(len(work.theta)):
            work.theta[j] = min(max(problem.start[start, 0, j], problem.lower[row,j]), problem.upper[row,j])
        value, evaluations, status = descend(cursor, scratch, work, problem.lower, problem.upper, row, tolerance, n, max_evaluations)
        for j in range(len(work.theta)):
            output.theta[pixel, j] = work.theta[j]
        output.value[pixel] = value
        output.evaluations[pixel] = evaluations
        output.status[pixel] = status

def solve(table, start, lower=None, upper=None, tolerance=1e-8, max_evaluations=1000):
    d = table.n_parameters
    start = np.ascontiguousarray(np.atleast_2d(start), dtype=float)
    if start.ndim==2: start = start[:, None, :]
    lower = np.full((1,d),-np.inf) if lower is None else np.ascontiguousarray(np.atleast_2d(lower),dtype=float)
    upper = np.full((1,d),np.inf) if upper is None else np.ascontiguousarray(np.atleast_2d(upper),dtype=float)
    P = max(table.n_pixels, len(start))
    out = Output(np.empty((P,d)), np.empty(P), np.empty((0,0,0)), np.empty(P), np.empty(P,np.int32), np.empty(P,np.int8))
    fit_range(table.arrays, new_cursor(table), new_scratch(table), Workspace.of(d), Problem(start,lower,upper), out, tolerance, max_evaluations, 0, P)
    return out
