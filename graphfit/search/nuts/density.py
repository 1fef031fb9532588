"""LogDensity: the joint posterior over unconstrained coordinates, in machine code.

    ln p(y) = ln L(theta(y)) + sum_i ln q_i(y_i | theta of its parents)

Its gradient is one sweep back over the same terms.  With g = d ln L / d theta from the
factors, each term hands on, last one first,

    d/dy_i      += g_i d theta_i / d y_i      + d ln q_i / d y_i,
    d/dtheta_k  += g_i d theta_i / d theta_k  + d ln q_i / d theta_k

for its parents k, whose own g is then complete.  The whole is one C function in nutpie's
signature: no Python is entered, but by factors that are Python.
"""

import ctypes
from collections.abc import Sequence
from typing import Any, final

import numpy as np

from graphfit.compiler import Program
from graphfit.compiler.machine import compile_module
from graphfit.errors import GraphfitError, LikelihoodError
from graphfit.priors import Expression
from graphfit.search.nuts.coordinates import Coordinate
from graphfit.search.nuts.density_code import CODE, LAYOUT
from graphfit.search.nuts.inside_differences import inside_kernels
from graphfit.search.nuts.terms import Written, terms
from graphfit.typing import FloatArray


@final
class LogDensity:
    """A program's posterior as a function of y, and its gradient.

    Parameters
    ----------
    program : Program
    coordinates : sequence of Coordinate, length D
        One a parameter.
    written : dict, optional
        Formulas written down before, by prior and coordinate; grows.

    Attributes
    ----------
    kernels, data : tuple
        Of the factors, as :class:`~graphfit.compiler.factor_sum.FactorSum` takes them.
    address, expand : int
        Of the C functions ``density`` and ``same`` in nutpie's signatures.

    Raises
    ------
    SettingError
        If a prior's argument or a condition has no formula.
    """

    def __init__(
        self,
        program: Program,
        coordinates: Sequence[Coordinate],
        written: Written | None = None,
    ) -> None:
        self.program = program
        self.coordinates = tuple(coordinates)
        pairs = [path.callable_kernels() for path in program.paths]
        self.kernels = tuple(
            inside_kernels(path.way, pair, program.space.priors)
            for path, pair in zip(program.paths, pairs, strict=True)
        )
        self.data = tuple(data for _, data in pairs)
        self.offset = float(sum(data.offset for data in self.data))
        self._terms = terms(program.space, coordinates, written)
        self._code = compile_module(CODE, ["density", "transform", "same"])
        self.address = self._code.address("density")
        self.expand = self._code.address("same")
        self.tables = self._tables()
        pointer = ctypes.c_void_p
        self.call = ctypes.CFUNCTYPE(
            ctypes.c_int64, ctypes.c_int64, pointer, pointer, pointer, pointer
        )(self.address)
        self.transform = ctypes.CFUNCTYPE(ctypes.c_double, pointer, pointer)(
            self._code.address("transform")
        )

    @property
    def dimension(self) -> int:
        """D."""
        return self.program.dimension

    def raise_error(self) -> None:
        """Raise what a factor's own Python raised, if it did.

        Raises
        ------
        LikelihoodError
            From the user's error.
        """
        for name, kernels in zip(self.program.factor_names, self.kernels, strict=True):
            error = getattr(kernels, "error", None)
            if isinstance(error, GraphfitError) or not isinstance(error, Exception):
                if error is not None:
                    raise error
                continue
            msg = (
                f"Factor '{name}': its likelihood or model raised "
                f"{type(error).__name__}: {error}\n  Raise gf.FitException in it to reject "
                "such points; the original traceback is above."
            )
            raise LikelihoodError(msg) from error

    def chain(self) -> "Chain":
        """Return the memory of one chain; each thread needs its own."""
        return Chain(self)

    def inverse(self, theta: FloatArray) -> FloatArray:
        """Return y of theta, both `(D,)`; not finite at the edge of the support."""
        space = self.program.space
        values = space.values(theta).tolist()
        found = np.empty(theta.size)
        with np.errstate(all="ignore"):
            for i, prior in enumerate(space.priors):
                arguments = [_value(space, values, item) for item in prior.arguments]
                inverse = self.coordinates[i].inverse
                found[i] = inverse(np.float64(theta[i]), *arguments)
        return found

    def _tables(self) -> dict[str, Any]:
        """Return what all chains share, by the names of `LAYOUT`."""
        known = self._terms
        addresses = {id(k): k.address("gradient") for k in self.kernels}
        data = self.data
        sizes = [item.local.size for item in data]
        return {
            "term_kernels": known.kernels,
            "term_starts": known.starts,
            "term_inputs": known.inputs,
            "term_constants": _places(known.constants),
            "term_targets": known.targets,
            "factor_kernels": _int64([addresses[id(k)] for k in self.kernels]),
            "factor_starts": np.cumsum([0, *sizes], dtype=np.int64),
            "factor_local": _int64(np.concatenate([item.local for item in data])),
            "factor_constants": _places([item.constants for item in data]),
            "factor_columns": _places([item.addresses for item in data]),
            "factor_points": _int64([item.size for item in data]),
        }

    def buffers(self) -> dict[str, Any]:
        """Return what each chain has for itself, by the names of `LAYOUT`."""
        tables, d = self.tables, self.dimension
        starts, factors = tables["term_starts"], tables["factor_starts"]
        widest = max(np.diff(starts).max(), np.diff(factors).max())
        return {
            # One place more: the target of conditions.
            "table": np.zeros(2 * d + 1),
            "slopes": np.zeros(2 * d + 1),
            "own": np.zeros(int(widest)),
            "term_out": np.zeros(2 * int(starts[-1]) + starts.size - 1),
            "factor_values": np.zeros(factors.size - 1),
            "factor_out": np.zeros(int(factors[-1])),
        }

    def numbers(self) -> dict[str, int]:
        """Return the entries of `LAYOUT` that are numbers."""
        return {
            "dimension": self.dimension,
            "n_terms": self.tables["term_targets"].size,
            "n_factors": self.tables["factor_points"].size,
            "calls": 0,
        }


@final
class Chain:
    """The memory in which one chain evaluates a density.

    Parameters
    ----------
    density : LogDensity
    """

    def __init__(self, density: LogDensity) -> None:
        self.density = density
        self._buffers = density.buffers()
        known = {**density.tables, **self._buffers}
        numbers = density.numbers()
        self.data = _int64(
            [
                numbers[name] if name in numbers else known[name].ctypes.data
                for name in LAYOUT
            ]
        )

    @property
    def calls(self) -> int:
        """How often the gradient was evaluated."""
        return int(self.data[-1])

    def __call__(self, y: FloatArray) -> tuple[float, FloatArray]:
        """Return ln p(y) and its gradient `(D,)`; minus infinity where it has none."""
        slope, value = np.zeros(y.size), np.zeros(1)
        point = np.ascontiguousarray(y, dtype=np.float64)
        code = self.density.call(
            y.size,
            *(a.ctypes.data for a in (point, slope, value, self.data)),
        )
        if code:
            return -np.inf, np.zeros(y.size)
        return float(value[0]) + self.density.offset, slope

    def theta(self, y: FloatArray) -> FloatArray:
        """Return theta of y, both `(D,)`; NaN where y has none."""
        point = np.ascontiguousarray(y, dtype=np.float64)
        found = self.density.transform(point.ctypes.data, self.data.ctypes.data)
        if not np.isfinite(found):
            return np.full(y.size, np.nan)
        theta: FloatArray = self._buffers["table"][y.size : -1].copy()
        return theta

    def stretch(self) -> FloatArray:
        """Return ``d theta_i / d y_i`` (D,) where `theta` was asked for last."""
        tables = self.density.tables
        starts, targets = tables["term_starts"], tables["term_targets"]
        place = 2 * starts[:-1] + np.arange(targets.size) + 1
        is_parameter = targets < self.density.dimension
        found = np.empty(self.density.dimension)
        found[targets[is_parameter]] = self._buffers["term_out"][place[is_parameter]]
        return found


def _value(space: Any, values: Sequence[float], item: Any) -> Any:
    is_known = isinstance(item, Expression)
    return np.float64(values[space.slot(item)] if is_known else item)


def _int64(values: Any) -> Any:
    return np.ascontiguousarray(values, dtype=np.int64)


def _places(arrays: Sequence[Any]) -> Any:
    return _int64([array.ctypes.data for array in arrays])
