"""What drivers are given and give back: types in words, and arguments as 64-bit words.

A driver is called through C with one block of words: for each array its address and shape,
for each number its bits; records one field after the other.
"""

import ctypes
import re
import struct
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, NoReturn, final

import numpy as np

SCALARS = {"float64": "d", "int64": "q", "boolean": "q"}
"""Numbers that drivers take, each with its code in :mod:`struct`."""
# A truth value is one byte; among other results it would need rules for its place.
_RESULTS = {"float64": "d", "int64": "q", "boolean": "?7x"}
_ITEMS = ("float64", "int64", "int32", "int8")
_ARRAY = re.compile(r"(?P<item>\w+)\[(?P<outer>(?::,)*)::1\]")
_NEGATIVE = 1 << 63
_SHORTEST = 8  # bytes where a result is left: numba writes one word also for no result


# --- signatures -----------------------------------------------------------------------


@final
class Record(NamedTuple):
    """A NamedTuple among the arguments of a driver; see :func:`record`."""

    kind: Any
    fields: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of its fields."""
        return tuple(self.kind._fields)


def record(kind: type, *fields: str) -> Record:
    """Describe an argument that is a NamedTuple.

    Parameters
    ----------
    kind : type
        The NamedTuple.
    *fields : str
        Types of its fields, in their order; no records.  One type stands for all.

    Raises
    ------
    TypeError
        If there are more or fewer fields.

    Examples
    --------
    >>> class Line(NamedTuple):
    ...     x: object
    ...     slope: float
    >>> record(Line, "float64[::1]", "float64").fields
    ('float64[::1]', 'float64')
    """
    described = Record(kind, tuple(field.replace(" ", "") for field in fields))
    if len(fields) == 1:
        described = Record(kind, described.fields * len(described.names))
    if len(described.fields) != len(described.names):
        msg = (
            f"{kind.__name__} has {len(described.names)} fields; "
            f"{len(described.fields)} types are given."
        )
        raise TypeError(msg)
    return described


@final
class Signature(NamedTuple):
    """Types of a driver's result and arguments, in words rather than in numba's objects.

    Attributes
    ----------
    result : tuple of str
        None for void; more than one for a tuple.
    arguments : tuple of str or Record
    """

    result: tuple[str, ...]
    arguments: tuple[str | Record, ...]

    def leaves(self, names: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Return name and type of each array and number, fields of records included."""
        for name, kind in zip(names, self.arguments, strict=True):
            if isinstance(kind, Record):
                for field, inner in zip(kind.names, kind.fields, strict=True):
                    yield f"{name}.{field}", inner
            else:
                yield name, kind


def signature_of(description: Any) -> Signature | None:
    """Return a signature in words.

    Parameters
    ----------
    description : str, tuple or numba signature
        As in :func:`graphfit.compiler.driving.driver.driver`.

    Returns
    -------
    Signature or None
        None if its types are others than drivers can pass on.

    Examples
    --------
    >>> signature_of("float64(float64[:, ::1], int64)").arguments
    ('float64[:,::1]', 'int64')
    >>> signature_of("float64(complex128)") is None
    True
    """
    result: Any
    if isinstance(description, str):
        found = re.fullmatch(r"(\w+)\((.*)\)", re.sub(r"\s", "", description))
        if found is None:
            return None
        result, arguments = found[1], re.split(r",(?![^\[]*\])", found[2])
        if arguments == [""]:
            arguments = []
    elif isinstance(description, tuple):
        result, *given = description
        arguments = [k.replace(" ", "") if isinstance(k, str) else k for k in given]
    else:
        arguments = [_in_words(kind) for kind in getattr(description, "args", ())]
        result = _in_words(getattr(description, "return_type", None))
    results = result if isinstance(result, tuple) else (result,)
    results = () if results == ("void",) else results
    fields = [k.fields if isinstance(k, Record) else (k,) for k in arguments]
    known = all(
        word in SCALARS or array_of(word) is not None
        for words in fields
        for word in words
    ) and all(word in _RESULTS for word in results)
    known = known and ("boolean" not in results or len(results) == 1)
    return Signature(results, tuple(arguments)) if known else None


def array_of(word: str) -> tuple[str, int] | None:
    """Return item type and dimensions of ``"float64[:,::1]"``; None if it is no array."""
    found = _ARRAY.fullmatch(word) if isinstance(word, str) else None
    if found is None or found["item"] not in _ITEMS:
        return None
    return found["item"], 1 + found["outer"].count(":")


def _in_words(kind: Any) -> Any:
    """Return a type of numba's in words, as far as there are any."""
    if hasattr(kind, "instance_class"):
        return Record(kind.instance_class, tuple(_in_words(part) for part in kind))
    if hasattr(kind, "types"):  # a tuple
        return tuple(_in_words(part) for part in kind)
    if getattr(kind, "layout", None) == "C" and getattr(kind, "mutable", False):
        return f"{kind.dtype}[{':,' * (kind.ndim - 1)}::1]"
    return {"none": "void", "bool": "boolean"}.get(str(kind), str(kind))


# --- arguments ------------------------------------------------------------------------


@final
class Packer:
    """Puts the arguments of a driver into a block of 64-bit words.

    Parameters
    ----------
    signature : Signature
        Its types.
    name : str
        The driver's, for messages.
    parameters : sequence of str
        Names of the arguments.
    """

    def __init__(
        self, signature: Signature, name: str, parameters: Sequence[str]
    ) -> None:
        self._name = name
        self._names = tuple(parameters)
        self._signature = signature
        self._records: list[Any] = [
            kind.kind if isinstance(kind, Record) else None
            for kind in signature.arguments
        ]
        code = ""
        self._leaves: list[tuple[Any, int, int]] = []
        for _, word in signature.leaves(self._names):
            array = array_of(word)
            if array is None:
                code += SCALARS[word]
                self._leaves.append((bool if word == "boolean" else None, 0, 0))
            else:
                code += "q" * (1 + array[1])
                item = np.dtype(array[0])
                # Bits that the address of a right and aligned array has not.
                self._leaves.append((item, array[1], _NEGATIVE | (item.itemsize - 1)))
        self._struct = struct.Struct("=" + code)

    def __call__(self, arguments: Sequence[Any]) -> bytes:
        """Return the words; whoever calls keeps the arrays alive while they are used.

        Parameters
        ----------
        arguments : sequence
            As many as the signature has.

        Returns
        -------
        bytes
            Addresses and shapes of arrays, and numbers.

        Raises
        ------
        TypeError
            For an argument of another type.
        """
        values: list[Any] = []
        value: Any
        for kind, value in zip(self._records, arguments, strict=True):
            if kind is None:
                values.append(value)
            elif type(value) is kind:
                values += value
            else:
                self._refuse(arguments)
        try:
            return self._struct.pack(*self._words(values))
        except (TypeError, struct.error):
            self._refuse(arguments)

    def _words(self, values: list[Any]) -> list[Any]:
        """Return one item a word; a TypeError says that some value is wrong."""
        words: list[Any] = []
        for (item, ndim, mask), value in zip(self._leaves, values, strict=True):
            if item is None:
                words.append(value)
            elif item is bool:
                if not isinstance(value, (bool, np.bool_)):
                    raise TypeError
                words.append(bool(value))
            else:
                address = _address(value, item, ndim)
                if address & mask:
                    raise TypeError
                words.append(address)
                words += value.shape
        return words

    def _refuse(self, arguments: Sequence[Any]) -> NoReturn:
        """Raise what is wrong with the arguments."""
        names, kinds = self._names, self._signature.arguments
        values: list[Any] = []
        value: Any
        for name, kind, value in zip(names, kinds, arguments, strict=True):
            if not isinstance(kind, Record):
                values.append(value)
            elif type(value) is kind.kind:
                values += value
            else:
                _wrong_type(self._name, name, kind.kind.__name__, value)
        leaves = self._signature.leaves(names)
        for (name, word), value in zip(leaves, values, strict=True):
            if not _fits(word, value):
                _wrong_type(self._name, name, word, value)
        msg = f"No matching definition of {self._name}() for its arguments."
        raise TypeError(msg)


def _address(value: Any, item: Any, ndim: int) -> int:
    """Return where an array's items are; -1 for what is not such an array."""
    try:
        if value.dtype == item and len(value.shape) == ndim:
            # Quicker than `value.ctypes`.  Of what is not contiguous, or read-only, there
            # is no such view.
            return ctypes.addressof(_view(value))
    except (AttributeError, BufferError, TypeError, ValueError):
        if _is_array(value, item, ndim):  # without items
            return int(value.ctypes.data)
    return -1


_view = ctypes.c_char.from_buffer


def _is_array(value: Any, item: Any, ndim: int) -> bool:
    return (
        isinstance(value, np.ndarray)
        and (value.dtype, value.ndim) == (item, ndim)
        and value.flags.carray  # contiguous, aligned, writable
    )


def _fits(word: str, value: Any) -> bool:
    array = array_of(word)
    if array is not None:
        return _is_array(value, np.dtype(array[0]), array[1])
    if word == "boolean":
        return isinstance(value, (bool, np.bool_))
    try:
        struct.pack("=" + SCALARS[word], value)
    except struct.error:
        return False
    return True


def _wrong_type(driver_name: str, name: str, wanted: str, value: Any) -> NoReturn:
    got = type(value).__name__
    if isinstance(value, np.ndarray):
        got = f"an array of {value.dtype} and shape {value.shape}"
        if not value.flags.c_contiguous:
            got += " that is not contiguous"
        elif not value.flags.carray:
            got += " that is read-only or not aligned"
    msg = f"No matching definition of {driver_name}(): {name} must be {wanted}, not {got}."
    raise TypeError(msg)


@final
class Results:
    """Where a driver leaves its result, and what that is in Python.

    Parameters
    ----------
    signature : Signature
        Its types.
    """

    def __init__(self, signature: Signature) -> None:
        self._struct = struct.Struct(
            "=" + "".join(_RESULTS[w] for w in signature.result)
        )
        self._place = ctypes.c_char * max(_SHORTEST, self._struct.size)

    def place(self) -> Any:
        """Return new memory for one result."""
        return self._place()

    def read(self, place: Any) -> Any:
        """Return a result: None, a number, or a tuple of them."""
        values = self._struct.unpack_from(place)
        if len(values) > 1:
            return values
        return values[0] if values else None
