"""NamedParameter: a number of the model that an analysis finds by its name."""

from operator import attrgetter
from typing import Any, final

from graphfit.errors import DataError, ModelError, UnknownNameError, close_match


@final
class NamedParameter:
    """Finds a number on an instance by a path of attributes; call it on the instance.

    Parameters
    ----------
    path : str
        Names joined by dots, e.g. ``"noise.jitter"``.
    setting : str
        What asked for it, for messages: ``gf.ProfileAnalysis(jitter='noise.jitter')``.

    Raises
    ------
    DataError
        If `path` is no such path.

    Examples
    --------
    >>> find = NamedParameter("real", "number")
    >>> find(2.5)
    2.5
    """

    __slots__ = ("_find", "path", "setting")

    def __init__(self, path: str, setting: str) -> None:
        if not isinstance(path, str) or not all(path.split(".")):
            msg = (
                f"{setting} must be the name of a parameter of the model, got {path!r}; "
                "e.g. 'extra' with gf.Collection(line=..., extra=a prior)."
            )
            raise DataError(msg)
        self.path = path
        self.setting = f"{setting}={path!r}"
        self._find = attrgetter(path)

    def __call__(self, instance: Any) -> float:
        """Return the parameter's value.

        Raises
        ------
        UnknownNameError
            If the instance has no such attribute.
        ModelError
            If it is no number.
        """
        try:
            return float(self._find(instance))
        except (AttributeError, TypeError, ValueError) as error:
            raise self._refused(instance) from error

    def _refused(self, instance: Any) -> ModelError:
        owner = instance
        for name in self.path.split("."):
            known = [n for n in dir(owner) if not n.startswith("_")]
            if name not in known:
                msg = (
                    f"{self.setting}: the model's {type(owner).__name__} has no {name!r}."
                    f"{close_match(name, known)}"
                )
                return UnknownNameError(msg)
            owner = getattr(owner, name)
        msg = f"{self.setting} must name one number of the model, found {owner!r}."
        return ModelError(msg)
