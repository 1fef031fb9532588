"""What a model becomes when its parameters have values.

A Model of a class becomes an object of that class.  A Model of a profile function becomes
a :class:`ProfileInstance`; a Collection becomes a :class:`ModelInstance`.
"""

from collections.abc import Callable, Iterator
from typing import Any, final

from graphfit.errors import UnknownNameError, close_match


@final
class ProfileInstance:
    """A profile function with values for its parameters; call it on the x values.

    The parameters are attributes: ``instance.centre``.  Those called ``parameters`` or
    ``function`` are read as ``instance.parameters["function"]``.
    """

    def __init__(
        self, function: Callable[..., Any], parameters: dict[str, Any]
    ) -> None:
        self.__dict__.update(parameters)
        self.__dict__["__function__"] = function

    def __call__(self, *x: Any) -> Any:
        """Return the profile's values at `x`, of the same shape."""
        values = self.__dict__.copy()
        return values.pop("__function__")(*x, **values)

    @property
    def parameters(self) -> dict[str, Any]:
        """The values by name."""
        return {k: v for k, v in self.__dict__.items() if k != "__function__"}

    @property
    def function(self) -> Callable[..., Any]:
        """The profile itself."""
        return self.__dict__["__function__"]  # type: ignore[no-any-return]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        msg = f"The profile has no parameter {name!r}.{close_match(name, self.parameters)}"
        raise UnknownNameError(msg)

    def __repr__(self) -> str:
        inside = ", ".join(f"{k}={v!r}" for k, v in self.parameters.items())
        return f"{self.function.__name__}({inside})"


@final
class ModelInstance:
    """The instances of a Collection's children: by attribute, key, position, iteration."""

    def __init__(self, children: dict[str, Any]) -> None:
        self.__dict__.update(children)

    def __getitem__(self, key: str | int | slice) -> Any:
        if isinstance(key, (int, slice)):
            return list(self.__dict__.values())[key]
        if key not in self.__dict__:
            msg = (
                f"The model has no component {key!r}.{close_match(key, self.__dict__)}"
            )
            raise UnknownNameError(msg)
        return self.__dict__[key]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        msg = f"The model has no component {name!r}.{close_match(name, self.__dict__)}"
        raise UnknownNameError(msg)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.__dict__.values())

    def __len__(self) -> int:
        return len(self.__dict__)

    def items(self) -> list[tuple[str, Any]]:
        """Return the keys and the children's instances."""
        return list(self.__dict__.items())

    def __call__(self, *x: Any) -> Any:
        """Return the sum of the children's profiles at `x`; other children are skipped."""
        profiles = [child for child in self if _is_profile(child)]
        if not profiles:
            msg = (
                "No component of this collection is a profile that can be called on x."
            )
            raise TypeError(msg)
        total = profiles[0](*x)
        for profile in profiles[1:]:
            total = total + profile(*x)
        return total

    def __repr__(self) -> str:
        inside = ", ".join(f"{k}={v!r}" for k, v in self.__dict__.items())
        return f"ModelInstance({inside})"


def _is_profile(child: Any) -> bool:
    """Whether a child can be called on x: a collection of mere numbers cannot."""
    if isinstance(child, ModelInstance):
        return any(_is_profile(inner) for inner in child)
    return callable(child)
