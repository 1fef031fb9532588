"""Units of cubes, through astropy: what was written, and factors between units."""

import re
import warnings
from typing import Any

from graphfit.errors import DataError, DataWarning
from graphfit.typing import AnyArray

# Spellings of old FITS files that no standard has, and what they mean.
_SPELLINGS = (
    (r"\bjy\b", "Jy"),
    (r"\bbeams?\b", "beam"),
    (r"\bkelvins?\b", "K"),
    (r"\b(\w?)hz\b", r"\1Hz"),
    (r"\s*\(.*\)\s*$", ""),  # "K (Tmb)": a remark on the scale
)


def as_unit(unit: Any, label: str) -> Any:
    """Return an astropy unit.

    Parameters
    ----------
    unit : unit or str
    label : str
        What has it, for messages.

    Raises
    ------
    DataError
        If it cannot be understood.

    Examples
    --------
    >>> as_unit("JY/BEAM", "data")
    Unit("Jy / beam")
    """
    try:
        return _parsed(unit)
    except (ValueError, TypeError) as error:
        msg = (
            f"{label}: the unit {unit!r} cannot be understood ({_short(error)}); write it "
            "as astropy.units does: 'K', 'km / s', 'Jy / beam'."
        )
        raise DataError(msg) from error


def unit_or_none(text: Any, label: str) -> Any:
    """Return the unit that a file names, or None, with a warning where it is nonsense.

    Parameters
    ----------
    text : unit, str or None
        As the file has it.
    label : str
        What has it, for messages.
    """
    if text is None or (isinstance(text, str) and not text.strip()):
        return None
    try:
        return _parsed(text)
    except (ValueError, TypeError) as error:
        msg = (
            f"{label}: the unit {text!r} cannot be understood ({_short(error)}); the "
            "values are used without one. Give unit= to name it."
        )
        warnings.warn(msg, DataWarning, stacklevel=3)
        return None


def with_unit(values: AnyArray, text: Any, label: str) -> Any:
    """Return values as a Quantity where they are numbers and have a unit.

    Parameters
    ----------
    values : ndarray
    text : unit, str or None
        As the file has it.
    label : str
        What has it, for messages.
    """
    if values.dtype.kind not in "fiu":
        return values
    unit = unit_or_none(text, label)
    return values if unit is None else values * unit


def _parsed(unit: Any) -> Any:
    from astropy import units

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", units.UnitsWarning)
        try:
            return units.Unit(unit)
        except ValueError:
            if not isinstance(unit, str):
                raise
        text = unit
        for pattern, spelling in _SPELLINGS:
            text = re.sub(pattern, spelling, text, flags=re.IGNORECASE)
        return units.Unit(text)


def _short(error: Exception) -> str:
    """Return the first sentence of one of astropy's long messages."""
    return str(error).partition("\n")[0].partition(". ")[0].strip()


def factor_between(old: Any, new: Any, label: str) -> float:
    """Return the number by which values in one unit become values in another.

    Parameters
    ----------
    old, new : astropy.units.Unit
    label : str
        What has the values, for messages.

    Raises
    ------
    DataError
        If no number does.

    Examples
    --------
    >>> from astropy import units
    >>> factor_between(units.km / units.s, units.m / units.s, "data")
    1000.0
    """
    from astropy import units

    if old == new:
        return 1.0
    try:
        return float(old.to(new))
    except (units.UnitsError, TypeError, ValueError) as error:
        msg = (
            f"{label} is in {old.to_string() or 'no unit'}, which cannot be converted to "
            f"{new.to_string() or 'no unit'} by a factor; convert it first, or leave "
            "unit= out."
        )
        raise DataError(msg) from error
