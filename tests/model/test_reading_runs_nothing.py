"""A model file is data: reading one calls nothing that it names."""

import json
import sys
import types
from dataclasses import dataclass, field

import pytest

from graphfit.errors import ModelError
from graphfit.model import Model
from graphfit.model.reading import model_from_dict

CALLS: list[str] = []


def called(what: str):
    CALLS.append(what)
    raise AssertionError(what)


class Meta(type):
    def __call__(cls, *args, **kwargs):
        called("the metaclass")


class Trap(metaclass=Meta):
    """Everything that can run when it is made does."""

    def __init__(self, a: "called('an annotation')" = 1.0):
        called("the constructor")

    def __new__(cls, *args, **kwargs):
        called("__new__")


@dataclass
class Factory:
    a: list[float] = field(default_factory=lambda: called("a default factory"))


def profile(x, a):
    called("a profile")


class Disguised:
    """Looks like a class when asked by isinstance."""

    @property
    def __class__(self):
        called("__class__")

    def __call__(self, *args):
        called("__call__")

    def __getattr__(self, name):
        called(f"__getattr__ of {name}")


class Namespace:
    def __get__(self, instance, owner):
        called("a descriptor")


class Holder:
    hidden = Namespace()

    @property
    def secret(self):
        called("a property")


class Instances:
    """Holds the disguised object, where collecting tests does not look at it."""


def model_of(name: str) -> dict:
    return {"type": "Model", "class": name, "children": {"a": 1.0}}


def relation_of(name: str) -> dict:
    relation = {
        "type": "Relation",
        "id": 0,
        "function": name,
        "arguments": [],
        "names": [],
    }
    return {"type": "Collection", "children": {"a": relation}}


def constant_of(name: str) -> dict:
    return {"type": "Collection", "children": {"a": {"type": "callable", "name": name}}}


@pytest.fixture(autouse=True)
def nothing_was_called():
    CALLS.clear()
    Instances.disguised = Disguised()
    yield
    del Instances.disguised
    assert not CALLS


@pytest.mark.parametrize("form", [model_of, relation_of, constant_of])
@pytest.mark.parametrize(
    "name",
    [
        "os:system",
        "builtins:eval",
        "builtins:exec",
        "subprocess:run.__call__",
        f"{__name__}:Instances.disguised",
        f"{__name__}:Instances.disguised.anything",
        f"{__name__}:Holder.secret",
        f"{__name__}:Holder.hidden",
        f"{__name__}:Holder.hidden.more",
        "os",
        "",
        ":",
        "os:",
    ],
)
def test_what_is_no_class_or_function_is_refused(form, name):
    with pytest.raises(ModelError, match="no class or function"):
        model_from_dict(form(name))


def test_reading_calls_neither_classes_nor_functions():
    for name in ("Trap", "Factory", "profile"):
        model = model_from_dict(model_of(f"{__name__}:{name}"))
        assert isinstance(model, Model)
        assert model.a == 1.0
        assert model.prior_count == 0
        assert json.loads(json.dumps(model.dict()))["children"] == {"a": 1.0}


def test_naming_a_function_of_a_relation_does_not_call_it():
    model_from_dict(relation_of(f"{__name__}:profile"))


def test_a_module_s_own_getattr_is_not_asked():
    module = types.ModuleType("lazy_module_of_this_test")
    module.__getattr__ = lambda name: called(f"module {name}")
    sys.modules[module.__name__] = module
    try:
        with pytest.raises(ModelError, match="no class or function"):
            model_from_dict(model_of("lazy_module_of_this_test:anything"))
    finally:
        del sys.modules[module.__name__]


def test_nothing_is_imported():
    name = "antigravity"
    assert name not in sys.modules
    with pytest.raises(ModelError, match="import antigravity first"):
        model_from_dict(model_of(f"{name}:fly"))
    assert name not in sys.modules
