"""The model's values at the points of many pixels."""

import numpy as np

from graphfit.cube.fitting.pixel_model import PixelModel
from graphfit.cube.fitting.row_graph import RowGraph
from graphfit.cube.fitting.rows import RegionRows
from graphfit.errors import FitException, ModelError
from graphfit.search.least_squares.blocks import Buffers, block_columns, rows_per_block
from graphfit.search.least_squares.row_fits import block_table, row_blocks
from graphfit.search.least_squares.row_kernels import RowKernels
from graphfit.typing import FloatArray


def model_rows(
    model: PixelModel, key: str, rows: RegionRows, theta: FloatArray
) -> FloatArray:
    """Return the model of one cube at every pixel, (P, N).

    Parameters
    ----------
    model : PixelModel
        In which the cube has one of graphfit's likelihoods.
    key : str
        The cube's factor.
    rows : RegionRows
        P pixels.
    theta : ndarray, shape (P, D)
        Free parameters; NaN where a pixel has no answer, and then so is its model.
    """
    keys = tuple(model.factors)
    has_own = any(factor.analysis is not None for factor in model.factors.values())
    if has_own or model.has_free_maps:
        return _by_python(model, key, rows, theta)
    engine = RowGraph(model)
    kernels = engine.problem(keys).kernels
    factor = kernels.factors[keys.index(key)]
    data = rows.factors[key].data
    if kernels.way == "python" or (data.has_own_x and not factor.any_x):
        return _by_python(model, key, rows, theta)
    from graphfit.compiler.driving.evaluate import new_cursor, new_scratch
    from graphfit.compiler.driving.model_pixels import model_pixels

    whole = engine.global_theta(keys, theta, rows.numbers)
    alone = RowKernels((factor,), kernels.way, "")
    out: FloatArray = np.empty(data.y.shape)
    points = data.y.shape[1]
    buffers = Buffers()
    for low, high in row_blocks(len(out), rows_per_block(points)):
        columns, _ = block_columns(
            data, low, high, buffers, with_variance=factor.fits_noise
        )
        table = block_table(alone, "model", [columns], whole.shape[1])
        model_pixels(
            table.arrays,
            new_cursor(table),
            new_scratch(table, rows=True),
            len(factor.local),
            whole[low:high],
            out[low:high],
        )
    own = whole[:, factor.local]
    out[np.isnan(own).any(axis=1)] = np.nan
    return out


def _by_python(
    model: PixelModel, key: str, rows: RegionRows, theta: FloatArray
) -> FloatArray:
    """Return the same, pixel by pixel, by the model's own Python."""
    data = rows.factors[key].data
    out = np.full(data.y.shape, np.nan)
    for row, vector in enumerate(theta):
        numbers = model.numbers([float(column[row]) for column in rows.numbers])
        joint = model.graph.with_analyses({}, numbers).global_prior_model
        try:
            instance = joint.instance_from_vector(vector)[key]
            values = instance(*(x[row if len(x) > 1 else 0] for x in data.inputs))
        except (FitException, ModelError):
            continue
        out[row] = values
    return out
