"""What cells of the compiled quadrature know of their neighbours.

See :mod:`graphfit.search.nested.quadrature_faces`, whose rule this is.
"""

from graphfit.compiler.driving.factor_table import Int64Array
from graphfit.kernels.compiled import compiled, compiled_apart
from graphfit.search.nested.engine.cubature_cell import log_volume_of
from graphfit.search.nested.engine.cubature_memory import (
    AXIS,
    CENTRE,
    ERROR,
    FRESH,
    HALF,
    KNOWN,
    PLACE,
)
from graphfit.search.nested.quadrature_cells import ROUGH
from graphfit.search.nested.quadrature_faces import TOUCH
from graphfit.typing import FloatArray


@compiled
def _beside(
    box: FloatArray, faces: FloatArray, teller: int, cell: int, face: int
) -> bool:
    """Whether the highest node at a face of a cell lies next to another cell."""
    axis, sign = face // 2, 2.0 * (face % 2) - 1.0
    end = box[CENTRE, teller, axis] + sign * box[HALF, teller, axis]
    start = box[CENTRE, cell, axis] - sign * box[HALF, cell, axis]
    if abs(end - start) > TOUCH:
        return False
    if box.shape[2] == 1:
        return True
    other = 1 - axis
    apart = abs(faces[PLACE, teller, face] - box[CENTRE, cell, other])
    return bool(apart <= box[HALF, cell, other] + TOUCH)


@compiled_apart
def _tell(
    box: FloatArray,
    faces: FloatArray,
    logs: FloatArray,
    flags: Int64Array,
    teller: int,
    cell: int,
) -> None:
    """Raise a cell's error where it does not see what another does beside it."""
    for face in range(faces.shape[2]):
        known = faces[KNOWN, teller, face]
        unseen = known > faces[KNOWN, cell, face ^ 1] + ROUGH
        if unseen and _beside(box, faces, teller, cell, face):
            bound = known + log_volume_of(box, cell)
            if bound > logs[ERROR, cell]:
                logs[ERROR, cell] = bound
                axis, other = face // 2, box.shape[2] - 1 - face // 2
                fine = box[HALF, teller, other] + TOUCH
                flags[AXIS, cell] = other if box[HALF, cell, other] > fine else axis


@compiled_apart
def compare(
    box: FloatArray, faces: FloatArray, logs: FloatArray, flags: Int64Array, count: int
) -> None:
    """Compare the fresh cells with all of `count`."""
    for cell in range(count):
        if flags[FRESH, cell] == 0:
            continue
        for other in range(count):
            if other != cell:
                _tell(box, faces, logs, flags, other, cell)
                if flags[FRESH, other] == 0:
                    _tell(box, faces, logs, flags, cell, other)
    for cell in range(count):
        flags[FRESH, cell] = 0
