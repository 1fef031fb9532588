"""FitInfoArrayContainer: what a fitter said about each fit, one entry a pixel."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from graphfit.errors import ResultError, UnknownNameError, close_match
from graphfit.samples import Status
from graphfit.typing import AnyArray


@final
@dataclass(frozen=True)
class NoFit:
    """The entry of a pixel that has no fit.  It is false, as None would be.

    Attributes
    ----------
    outcome : Status
        Why there is none.
    message : str
        The same in words, with the error if there was one.
    success : bool
        False.

    Examples
    --------
    >>> entry = NoFit(Status.MASKED, Status.MASKED.sentence)
    >>> bool(entry), entry.message
    (False, 'The pixel is masked, or holds no data; it was not fitted.')
    """

    outcome: Status
    message: str
    success: bool = False

    def __bool__(self) -> bool:
        return False


@final
class FitInfoArrayContainer:
    """What a fitter said about each fit, over the axes that the fits repeat over.

    Parameters
    ----------
    fit_info_array : array-like of object
        One entry a fit: a mapping, or a ``NoFit`` (or None) where there is no fit.
    status : array-like of int, optional
        Codes of :class:`~graphfit.Status`, of the same shape; else they are read from the
        entries.

    Examples
    --------
    >>> from scipy.optimize import OptimizeResult
    >>> entries = np.empty(2, dtype=object)
    >>> entries[0] = OptimizeResult(nfev=7, chi_squared=1.5)
    >>> entries[1] = NoFit(Status.MASKED, "masked")
    >>> info = FitInfoArrayContainer(entries)
    >>> info
    FitInfoArrayContainer((2,): 1 converged, 1 masked; chi_squared, nfev)
    >>> info[0].nfev, info.get_property_as_array("chi_squared", fill=np.nan)
    (7, array([1.5, nan]))
    """

    __slots__ = ("_entries", "_former", "_status")

    def __init__(
        self, fit_info_array: Any, status: Any = None, *, former: Any = None
    ) -> None:
        self._entries: AnyArray = np.asarray(fit_info_array, dtype=object)
        self._status = None if status is None else np.asarray(status)
        # What the fitter's own fit_info was: the next fit starts from there.
        self._former = former

    @property
    def shape(self) -> tuple[int, ...]:
        """The lengths of the axes that the fits repeat over."""
        return self._entries.shape

    @property
    def ndim(self) -> int:
        """The number of those axes."""
        return self._entries.ndim

    @property
    def status(self) -> AnyArray:
        """How each fit ended: an array of the codes of :class:`~graphfit.Status`."""
        if self._status is not None:
            return self._status
        codes = [_outcome(entry) for entry in self._entries.flat]
        return np.array(codes, dtype=np.int8).reshape(self.shape)

    @property
    def properties(self) -> tuple[str, ...]:
        """The names that :meth:`get_property_as_array` takes."""
        for entry in self._entries.flat:
            if isinstance(entry, Mapping):
                return tuple(sorted(entry))
        return ()

    def __getitem__(self, item: Any) -> Any:
        """Return one fit's entry, or a container of those that a slice selects."""
        found = self._entries[item]
        if not isinstance(found, np.ndarray):
            return found
        status = None if self._status is None else self._status[item]
        return FitInfoArrayContainer(found, status)

    def get_property_as_array(self, name: str, fill: Any = None) -> AnyArray:
        """Return one property of every fit.

        Parameters
        ----------
        name : str
            One of :attr:`properties`.
        fill : scalar, optional
            The value where there is no fit, or where it has no such property; else 0, as
            astropy has it.  Give ``np.nan`` to tell such fits from a real 0.

        Returns
        -------
        ndarray, shape of the container + shape of the property

        Raises
        ------
        UnknownNameError
            If no fit has the property.
        ResultError
            If its shape differs from fit to fit.
        """
        values = [_value(entry, name) for entry in self._entries.flat]
        known = [None if value is None else np.asarray(value) for value in values]
        found = [array for array in known if array is not None]
        if not found:
            self._require_known(name)
            return np.full(self.shape, np.nan if fill is None else fill)
        shapes = {array.shape for array in found}
        if len(shapes) > 1:
            msg = (
                f"Property {name!r} has not the same shape in all fits: "
                f"{', '.join(map(str, sorted(shapes)))}; read it fit by fit, info[index]."
            )
            raise ResultError(msg)
        dtype = np.result_type(*{array.dtype for array in found})
        if fill is not None:
            dtype = np.result_type(dtype, np.asarray(fill).dtype)
        result = np.zeros((len(values), *found[0].shape), dtype=dtype)
        if fill is not None:
            result[...] = fill
        for i, array in enumerate(known):
            if array is not None:
                result[i] = array
        return result.reshape(self.shape + found[0].shape)

    def __repr__(self) -> str:
        counted = Counter(Status(code).name.lower() for code in self.status.flat)
        counts = ", ".join(f"{count} {name}" for name, count in counted.items())
        names = ", ".join(self.properties) or "no properties"
        return f"FitInfoArrayContainer({self.shape}: {counts or 'no fits'}; {names})"

    def _require_known(self, name: str) -> None:
        known = self.properties
        if known and name not in known:
            msg = f"No fit has a property {name!r}.{close_match(name, known)}"
            raise UnknownNameError(msg)


def former_fit_info(container: FitInfoArrayContainer) -> Any:
    """Return what the fitter's own fit_info was before the fits of a container."""
    return container._former  # the record's own module


def _value(entry: Any, name: str) -> Any:
    if isinstance(entry, Mapping):
        return entry.get(name)
    return getattr(entry, name, None)


def _outcome(entry: Any) -> int:
    found = _value(entry, "outcome")
    if found is not None:
        return int(found)
    return int(Status.CONVERGED if entry is not None else Status.USER_ERROR)
