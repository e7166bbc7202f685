"""Copy and compare values of any kind: arrays, containers, pandas objects, a person's own objects.

What no comparison can see into (a random generator, a tensor) is copied by `copy.deepcopy`.
"""

import array
import copy
import enum
import numbers
import operator
import sys
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from functools import cache, partial
from itertools import chain
from types import (
    BuiltinFunctionType,
    FunctionType,
    MethodType,
    MethodWrapperType,
    ModuleType,
    NoneType,
    SimpleNamespace,
)
from typing import Any

import numpy as np
from numpy.typing import NDArray

_MUTABLE_SCALARS = (np.void, np.object_)
# Nothing changes them: a value of these types passes as it is.
ATOMS: frozenset[type] = frozenset(
    {NoneType, bool, int, float, complex, str, bytes, range, slice, FunctionType, type, object}
    | {kind for kind in np.sctypeDict.values() if not issubclass(kind, _MUTABLE_SCALARS)}
)
_ATOMIC = (
    *(numbers.Number, str, bytes, np.generic, np.dtype, enum.Enum, range, slice, type(...)),
    *(FunctionType, type, ModuleType, np.ufunc),
)
_BOUND = (MethodType, MethodWrapperType, BuiltinFunctionType)
# Classes written in C that keep nothing beside the attributes of their objects
_ATTRIBUTES_ONLY = (object, SimpleNamespace)
# Classes in Python whose objects fill caches when they are read, or keep all behind a pointer
_OPAQUE = ("pandas.", "numba.typed")
# What scipy.sparse notes about a matrix when it is asked: no change of the matrix
_NOTES = ("_has_canonical_format", "_has_sorted_indices")


class CannotCopyError(TypeError):
    """A value of which there is no second; the message is its type."""


def copied(value: Any) -> Any:
    """Return a deep copy; functions, types and modules are the same ones.

    An array's copy has its strides, too, and may be written to where that may.

    Raises
    ------
    CannotCopyError
        Something in it cannot be copied: a generator, an open file, a lock.

    Examples
    --------
    >>> x = [np.zeros(2), {"a": [1]}]
    >>> y = copied(x)
    >>> y[0][0] = y[1]["a"][0] = 5
    >>> x
    [array([0., 0.]), {'a': [1]}]
    """
    return _Copier()(value)


def copied_arguments(arguments: tuple[Any, ...]) -> tuple[tuple[Any, ...], bool]:
    """Return a copy of the arguments, and whether anything in it changes unseen by `same`.

    Raises
    ------
    CannotCopyError
        Which argument cannot be copied, in words.
    """
    copier, found = _Copier(), []
    for i, item in enumerate(arguments, 1):
        try:
            found.append(copier(item))
        except CannotCopyError as error:
            kind = _named(item)
            what = f"a {kind}, which" if str(error) == kind else f"a {kind} with a {error}, which"
            words = f"argument {i} of {len(arguments)} is {what} cannot be copied for each call"
            raise CannotCopyError(words) from error
    return tuple(found), copier.unseen


def same(a: Any, b: Any) -> bool:
    """Whether two values are of one type and hold the same, NaN beside NaN.

    Notes
    -----
    Arrays have one shape and dtype, and the same masks; what is under a mask does not count. What
    cannot be seen into counts as the same where its type is.

    Examples
    --------
    >>> same([1, np.array([np.nan])], [1, np.array([np.nan])])
    True
    >>> same([1], [1.0])
    False
    """
    return _Comparison()(a, b)


# --- kinds of values


def _form(value: Any) -> str:
    """Return which way a value is copied and compared."""
    kind: Any = type(value)
    if kind in ATOMS or kind in _EXACT:
        return _EXACT.get(kind, "atom")
    for form, kinds in _FORMS:
        if isinstance(value, kinds):
            return form
    if isinstance(value, _BOUND):
        owner = getattr(value, "__self__", None)
        return "atom" if owner is None or isinstance(owner, type | ModuleType) else "bound"
    if isinstance(value, _pandas_kinds()):
        return "pandas"
    if kind.__module__.startswith(_OPAQUE):
        return "unseen"
    if _is_plain(kind) and not _wraps_function(value):
        return "object"
    return "atom" if callable(value) or _is_by_value(kind) else "unseen"


_EXACT = {list: "list", tuple: "tuple", dict: "dict", np.ndarray: "array"}
_FORMS: tuple[tuple[str, Any], ...] = (
    ("array", np.ndarray),
    ("record", np.void),
    ("list", list | deque),
    ("tuple", tuple),
    ("dict", dict),
    ("set", set | frozenset),
    ("buffer", bytearray | array.array),
    ("partial", partial),
    ("atom", _ATOMIC),
)


def _pandas_kinds() -> tuple[type, ...]:
    """Return the classes of pandas, where it is there: it is not loaded for this."""
    pandas: Any = sys.modules.get("pandas")
    if pandas is None or not hasattr(pandas, "api"):
        return ()
    return (pandas.DataFrame, pandas.Series, pandas.Index, pandas.api.extensions.ExtensionArray)


@cache
def _is_plain(kind: Any) -> bool:
    """Whether all that an object holds is in its attributes: its class is written in Python."""
    return kind is not object and all(map(_has_only_attributes, kind.__mro__))


def _has_only_attributes(kind: type) -> bool:
    if kind in _ATTRIBUTES_ONLY:
        return True
    made_in_c = isinstance(vars(kind).get("__new__"), BuiltinFunctionType)
    has_place = "__slots__" in vars(kind) or any("__dict__" in vars(one) for one in kind.__mro__)
    is_heap_type = bool(kind.__flags__ & 1 << 9)  # Py_TPFLAGS_HEAPTYPE, as all of Python's own are
    return is_heap_type and has_place and not made_in_c


def _wraps_function(value: Any) -> bool:
    return callable(value) and (hasattr(value, "__wrapped__") or hasattr(value, "py_func"))


def _is_by_value(kind: type) -> bool:
    """Whether a class has an equality and a hash of its own, so that its objects do not change."""
    inherited: tuple[Any, ...] = (None, object.__hash__, object.__eq__)
    return kind.__hash__ not in inherited and kind.__eq__ not in inherited


def _named(value: Any) -> str:
    kind = type(value)
    module = "" if kind.__module__ in {"builtins", "__main__"} else f"{kind.__module__}."
    return f"{module}{kind.__qualname__}"


def _state(value: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the attributes of an object: those in its `__dict__`, and those in slots."""
    if isinstance(value, np.memmap):
        return {}, {}  # the file, which stays where it is
    state = object.__getstate__(value)
    attributes, slots = state if isinstance(state, tuple) else (state, None)
    notes = _NOTES if type(value).__module__.startswith("scipy.sparse") else ()
    kept = {name: item for name, item in (attributes or {}).items() if name not in notes}
    return kept, dict(slots or {})


# --- copying


class _Copier:
    """Copy values; what stands in several places of them stays one thing."""

    def __init__(self) -> None:
        self.unseen = False
        self._known: dict[int, Any] = {}
        self._kept: list[Any] = []  # so that nothing else takes an id
        self._ways: dict[str, Callable[[Any], Any]] = {
            "array": self._array,
            "record": operator.methodcaller("copy"),
            "list": self._list,
            "tuple": self._tuple,
            "dict": self._dict,
            "set": self._set,
            "buffer": copy.copy,
            "bound": self._bound,
            "partial": self._partial,
            "pandas": self._pandas,
            "object": self._object,
            "unseen": self._deepcopy,
        }

    def __call__(self, value: Any) -> Any:
        form = _form(value)
        if form == "atom":
            return value
        if id(value) not in self._known:
            try:
                self._keep(value, self._ways[form](value))
            except RecursionError:
                raise CannotCopyError(f"{_named(value)} nested too deeply") from None
        return self._known[id(value)]

    def _keep(self, value: Any, new: Any) -> Any:
        """Keep a copy, before what is in it is copied: that may be the value again."""
        self._kept.append(value)
        return self._known.setdefault(id(value), new)

    def _all(self, items: Iterable[Any]) -> list[Any]:
        found = list(items)
        kinds = set(map(type, found))
        if kinds <= ATOMS or (kinds == {tuple} and _are_rows(found)):
            return found
        if kinds == {list} and _are_rows(found):
            return self._rows(found)
        return list(map(self, found))

    def _rows(self, rows: list[list[Any]]) -> list[list[Any]]:
        """Copy lists of numbers: a matrix has many of them."""
        ids = list(map(id, rows))
        if len(set(ids)) < len(ids) or not self._known.keys().isdisjoint(ids):
            return list(map(self, rows))
        new = [row[:] for row in rows]
        self._known.update(zip(ids, new, strict=True))
        self._kept.append(rows)
        return new

    def _deepcopy(self, value: Any) -> Any:
        try:
            is_typed = type(value).__module__.startswith("numba.typed")
            new = _copied_typed(value) if is_typed else copy.deepcopy(value)
        except Exception as error:
            raise CannotCopyError(_named(value)) from error
        self.unseen |= new is not value
        return new

    def _array(self, value: NDArray[Any]) -> NDArray[Any]:
        if value is np.ma.masked:
            return value
        plain = np.asarray(value)
        if plain.dtype.kind == "V" and plain.dtype.hasobject:
            new = copy.deepcopy(plain)
        else:
            new = _in_its_strides(plain)
        if type(value) is not np.ndarray:
            new = new.view(type(value))
        self._keep(value, new)
        if plain.dtype.kind == "O":
            np.asarray(new)[...] = _boxed(self._all(plain.flat)).reshape(plain.shape)
        if type(value) is not np.ndarray:
            self._attributes(value, new)
        new.flags.writeable = value.flags.writeable
        return new

    def _list(self, value: Any) -> Any:
        if type(value) is list:
            new: Any = self._keep(value, [])
            new.extend(self._all(value))
            return new
        base = list if isinstance(value, list) else deque
        new = self._keep(value, copy.copy(value))
        base.clear(new)
        base.extend(new, self._all(value))
        return self._attributes(value, new)

    def _tuple(self, value: tuple[Any, ...]) -> Any:
        items = self._all(value)
        if all(map(operator.is_, items, value)):
            return value
        if id(value) in self._known:  # one of its items holds it
            return self._known[id(value)]
        return tuple.__new__(type(value), items)

    def _dict(self, value: Any) -> Any:
        base = OrderedDict if isinstance(value, OrderedDict) else dict
        new: Any = self._keep(value, {} if type(value) is dict else copy.copy(value))
        base.clear(new)
        for key, item in zip(self._all(value), self._all(value.values()), strict=True):
            base.__setitem__(new, key, item)
        return new if type(value) is dict else self._attributes(value, new)

    def _set(self, value: Any) -> Any:
        if all(map(_is_value, value)):
            return value if type(value) is frozenset else copy.copy(value)
        return self._deepcopy(value)

    def _bound(self, value: Any) -> Any:
        owner = self(value.__self__)
        if isinstance(value, MethodType):
            return MethodType(value.__func__, owner)
        return getattr(owner, value.__name__)

    def _partial(self, value: partial[Any]) -> Any:
        parts = (value.func, value.args, value.keywords)
        function, given, keywords = map(self, parts)
        return type(value)(function, *given, **keywords)

    def _pandas(self, value: Any) -> Any:
        if not hasattr(value, "iloc"):
            return value.copy()
        new = value.copy(deep=True)
        for axis in ("index", "columns"):  # of which a deep copy has the numbers of the original
            if hasattr(value, axis):
                setattr(new, axis, getattr(value, axis).copy(deep=True))
        for i, items in _object_columns(value):
            column = _boxed(self._all(items))
            if hasattr(value, "columns"):
                new.isetitem(i, column)
            else:
                new.iloc[:] = column
        new.attrs = self(value.attrs)
        return new

    def _object(self, value: Any) -> Any:
        if hasattr(type(value), "__deepcopy__"):
            return self._deepcopy(value)
        base = SimpleNamespace if isinstance(value, SimpleNamespace) else object
        try:
            return self._attributes(value, self._keep(value, base.__new__(type(value))))
        except CannotCopyError as error:
            # Its class may know how: by `__reduce__` or `__getstate__`
            try:
                self._known[id(value)] = self._deepcopy(value)
            except CannotCopyError:
                raise error from None
            return self._known[id(value)]

    def _attributes(self, value: Any, new: Any) -> Any:
        attributes, slots = _state(value)
        if attributes:
            vars(new).update(zip(attributes, self._all(attributes.values()), strict=True))
        for name, item in zip(slots, self._all(slots.values()), strict=True):
            object.__setattr__(new, name, item)
        return new


def _are_rows(rows: Any) -> bool:
    """Whether there is nothing in some lists or tuples that would have to be copied by itself."""
    return set(map(type, _flat(rows))) <= ATOMS


def holds_atoms(items: Any) -> bool:
    """Whether a list or tuple holds atoms only, or lists and tuples of them; quickly."""
    kinds = set(map(type, items))
    return kinds <= ATOMS or (kinds <= {list, tuple} and _are_rows(items))


def _boxed(items: list[Any]) -> Any:
    """Return items as an array of objects, whatever they are: lists among them stay lists."""
    box = np.empty(len(items), object)
    for i, item in enumerate(items):
        box[i] = item
    return box


def _in_its_strides(value: NDArray[Any]) -> NDArray[Any]:
    """Return a copy with the same strides: a column of a matrix is as slow to read as it was."""
    flags = value.flags
    if flags.c_contiguous or flags.f_contiguous or value.dtype.hasobject or not value.size:
        return value.copy(order="K")
    reach = [(n - 1) * step for n, step in zip(value.shape, value.strides, strict=True)]
    before = -sum(min(0, length) for length in reach)
    after = sum(max(0, length) for length in reach) + value.itemsize
    memory = np.empty(before + after, np.uint8)
    new: NDArray[Any] = np.ndarray(value.shape, value.dtype, memory, before, value.strides)
    new[...] = value
    return new


def _copied_typed(value: Any) -> Any:
    """Return a copy of one of Numba's typed lists and dicts, whose own copy is a shallow one."""
    items = value.values() if hasattr(value, "values") else value
    if all(_form(item) == "atom" for item in items):
        return value.copy()
    raise CannotCopyError(_named(value))


def _object_columns(value: Any) -> list[tuple[int, Any]]:
    """Return the entries of what pandas keeps as Python objects, by column."""
    if hasattr(value, "columns"):
        kept = [i for i, dtype in enumerate(value.dtypes) if dtype == "object"]
        return [(i, value.iloc[:, i].array) for i in kept]
    return [(0, value.array)] if hasattr(value, "iloc") and value.dtype == "object" else []


def _is_value(item: Any) -> bool:
    """Whether an item of a set is found by what it holds."""
    if isinstance(item, tuple | frozenset):
        return all(map(_is_value, item))
    return _form(item) == "atom"


# --- comparing


class _Comparison:
    """Compare values; a pair that is being compared already counts as the same."""

    def __init__(self) -> None:
        self._seen: dict[tuple[int, int], tuple[Any, Any]] = {}
        self._ways: dict[str, Callable[[Any, Any], bool]] = {
            "atom": _same_atoms,
            "array": self._arrays,
            "record": lambda a, b: self._plain_arrays(np.asarray(a), np.asarray(b)),
            "list": self._lists,
            "tuple": self._lists,
            "dict": self._dicts,
            "set": self._sets,
            "buffer": lambda a, b: (
                memoryview(a).format == memoryview(b).format and bytes(a) == bytes(b)
            ),
            "bound": lambda a, b: a.__name__ == b.__name__ and self(a.__self__, b.__self__),
            "partial": lambda a, b: self(
                (a.func, a.args, a.keywords), (b.func, b.args, b.keywords)
            ),
            "pandas": self._pandas,
            "object": self._objects,
            "unseen": lambda _a, _b: True,
        }

    def __call__(self, a: Any, b: Any) -> bool:
        if a is b:
            return True
        if type(a) is not type(b):
            return False
        form, pair = _form(a), (id(a), id(b))
        if pair in self._seen:
            return True
        if form != "atom":
            self._seen[pair] = a, b
        return self._ways[form](a, b)

    def _all(self, a: Any, b: Any) -> bool:
        """Compare lists item by item; those of numbers quickly."""
        if len(a) != len(b) or not _have_types(a, b):
            return False
        kinds = set(map(type, a))
        if kinds in ({list}, {tuple}) and _are_rows(a):
            lengths = list(map(len, a)) == list(map(len, b))
            return lengths and _have_types(*map(_flat, (a, b))) and _are_equal(a, b, _flat)
        return _are_equal(a, b) if kinds <= ATOMS else all(map(self, a, b))

    def _lists(self, a: Any, b: Any) -> bool:
        return self._all(list(a), list(b)) and self._attributes(a, b)

    def _dicts(self, a: Any, b: Any) -> bool:
        keys = self._all(list(a), list(b))
        values = keys and self._all(list(a.values()), list(b.values()))
        return values and self._attributes(a, b)

    def _sets(self, a: Any, b: Any) -> bool:
        return len(a) == len(b) and (a == b or not all(map(_is_value, a)))

    def _objects(self, a: Any, b: Any) -> bool:
        return self._attributes(a, b)

    def _attributes(self, a: Any, b: Any) -> bool:
        return type(a).__module__ == "builtins" or all(map(self, _state(a), _state(b)))

    def _arrays(self, a: NDArray[Any], b: NDArray[Any]) -> bool:
        if a.dtype != b.dtype or a.shape != b.shape:
            return False
        if not isinstance(a, np.ma.MaskedArray):
            plain = self._plain_arrays(np.asarray(a), np.asarray(b))
            return plain and (type(a) is np.ndarray or self._attributes(a, b))
        other: np.ma.MaskedArray[Any, Any] = b  # type: ignore[assignment]
        if np.ma.getmaskarray(a).tobytes() != np.ma.getmaskarray(other).tobytes():
            return False
        fill = a.fill_value
        alike = self._plain_arrays(np.asarray(fill), np.asarray(other.fill_value))
        return alike and self._plain_arrays(a.filled(fill), other.filled(fill))

    def _plain_arrays(self, a: NDArray[Any], b: NDArray[Any]) -> bool:
        if a.dtype.names:
            return all(self._plain_arrays(a[name], b[name]) for name in a.dtype.names)
        if a.dtype.kind == "O":
            return self._all(list(a.flat), list(b.flat))
        if a.dtype.kind == "V":
            return a.tobytes() == b.tobytes()
        if a.dtype.kind == "c":
            return self._plain_arrays(a.real, b.real) and self._plain_arrays(a.imag, b.imag)
        equal = a == b
        if equal.all():
            return True
        with np.errstate(invalid="ignore"):
            return bool((equal | ((a != a) & (b != b))).all())  # NaN, NaT

    def _pandas(self, a: Any, b: Any) -> bool:
        if not hasattr(a, "iloc"):
            return self._named(a, b, ("dtype", "names")) and bool(a.equals(b))
        parts = ("index", "columns" if hasattr(a, "columns") else "name", "attrs")
        if a.shape != b.shape or not self._named(a, b, parts):
            return False
        if not _object_columns(a):
            return bool(a.equals(b))
        pairs = zip(_columns(a), _columns(b), strict=True)
        return all(self._columns(one, other) for one, other in pairs)

    def _columns(self, a: Any, b: Any) -> bool:
        if a.dtype == "object" and b.dtype == "object":
            return self._all(list(a), list(b))
        return a.dtype == b.dtype and bool(a.equals(b))

    def _named(self, a: Any, b: Any, names: Iterable[str]) -> bool:
        return all(self(getattr(a, name, None), getattr(b, name, None)) for name in names)


def _columns(value: Any) -> list[Any]:
    if not hasattr(value, "columns"):
        return [value]
    return [value.iloc[:, i] for i in range(value.shape[1])]


_flat = chain.from_iterable


def _have_types(a: Iterable[Any], b: Iterable[Any]) -> bool:
    return all(map(operator.is_, map(type, a), map(type, b)))


def _are_equal(a: Any, b: Any, items: Callable[[Any], Iterable[Any]] = iter) -> bool:
    """Compare lists of atoms: as Python does at once, or where there are NaNs one by one."""
    return a == b or all(map(_same_atoms, items(a), items(b)))


def _same_atoms(a: Any, b: Any) -> bool:
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    try:
        return bool(a == b or (a != a and b != b))  # NaN
    except (TypeError, ValueError):  # no truth value
        return False
