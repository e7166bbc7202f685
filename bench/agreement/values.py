"""Copy and compare values of any kind: numbers, arrays, containers, pandas objects, objects."""

import copy
import datetime as dt
import enum
import operator
import sys
from collections import OrderedDict, defaultdict, deque
from collections.abc import Iterable
from contextlib import suppress
from decimal import Decimal
from fractions import Fraction
from functools import cache, partial
from itertools import chain
from pathlib import PurePath
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType, NoneType
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Immutable: a value of exactly these types is not copied.
ATOMS: frozenset[type] = frozenset(
    {NoneType, bool, int, float, complex, str, bytes, range, slice, FunctionType, type, object}
    | {kind for kind in np.sctypeDict.values() if not issubclass(kind, np.void | np.object_)}
)
_GLOBALS = (type, ModuleType, FunctionType, np.ufunc, np.dtype, enum.Enum)
_NUMBERS_AND_DATES = (
    *(int, float, complex, str, bytes, Decimal, Fraction, np.generic, PurePath, type(...)),
    *(dt.date, dt.time, dt.timedelta, dt.tzinfo),
)
_CONTAINERS = (list, tuple, deque, OrderedDict, dict, set, frozenset)
# Classes written in C whose whole content is compared
_SEEN = {*_CONTAINERS, defaultdict, partial, np.ndarray, bytearray, object} | {
    *(int, float, complex, str, bytes)
}
# Attributes that scipy.sparse sets when a matrix is summed: they do not change the matrix
_NOTES = ("_has_canonical_format", "_has_sorted_indices")


class CannotCopyError(TypeError):
    """A value cannot be copied; the message is its type."""


def copied(value: Any) -> Any:
    """Return a deep copy; functions, types and modules are not copied.

    The copy of an array has the same strides, and is writeable if the array is.

    Raises
    ------
    CannotCopyError
        A part of it cannot be copied: a generator, an open file, a lock.

    Examples
    --------
    >>> x = [np.zeros(2), {"a": [1]}]
    >>> y = copied(x)
    >>> y[0][0] = y[1]["a"][0] = 5
    >>> x
    [array([0., 0.]), {'a': [1]}]
    """
    return _copied(value, _Copier())


def copied_arguments(arguments: tuple[Any, ...]) -> tuple[tuple[Any, ...], bool]:
    """Return a copy of the arguments, and whether it may change in a way that `same` cannot see.

    Raises
    ------
    CannotCopyError
        An argument cannot be copied; the message says which.
    """
    copier, comparison, found = _Copier(), _Comparison(with_copy=True), []
    for i, item in enumerate(arguments, 1):
        part = kind = _named(item)
        try:
            found.append(_copied(item, copier))
            is_right = comparison(item, found[-1])
        except CannotCopyError as error:
            part, is_right = str(error), False
        if not is_right:
            what = f"a {kind}, which" if part == kind else f"a {kind} with a {part}, which"
            words = f"argument {i} of {len(arguments)} is {what} cannot be copied for each call"
            raise CannotCopyError(words)
    return tuple(found), comparison.is_unsure


def same(a: Any, b: Any) -> bool | None:
    """Whether two values have the same type and contents; None if that cannot be seen.

    Notes
    -----
    NaN equals NaN. Arrays need the same shape, dtype and mask; masked entries do not count.

    Examples
    --------
    >>> same([1, np.array([np.nan])], [1, np.array([np.nan])])
    True
    >>> same([1], [1.0])
    False
    >>> same(np.random.default_rng(1), np.random.default_rng(2))
    """
    comparison = _Comparison()
    return comparison(a, b) and (None if comparison.is_unsure else True)


def holds_atoms(items: Any) -> bool:
    """Whether a list or tuple holds only atoms, or only lists and tuples of atoms; quickly."""
    kinds = set(map(type, items))
    if kinds and kinds <= {list, tuple}:
        kinds = set(map(type, chain.from_iterable(items)))
    return kinds <= ATOMS


# --- what values hold


def _is_atom(value: Any) -> bool:
    if type(value) in ATOMS or isinstance(value, _GLOBALS) or value is np.ma.masked:
        return True
    if isinstance(value, BuiltinFunctionType | MethodType):
        return isinstance(value.__self__, type | ModuleType | None)
    if isinstance(value, _NUMBERS_AND_DATES) and not isinstance(value, np.void):
        return not getattr(value, "__dict__", None)
    kind: Any = type(value)
    if callable(value):  # a function of Numba, JAX, Cython; what is written in Python has a state
        is_made_in_c = hasattr(value, "__get__") or hasattr(value, "__wrapped__")
        return _is_of("numba", value) or (is_made_in_c and not _is_open(kind))
    return value is getattr(sys.modules.get("pandas"), "NA", _parts)


def _parts(value: Any) -> list[Any] | None:
    """Return all parts of a value; None if they cannot be known."""
    kind: Any = type(value)
    if isinstance(value, MethodType | BuiltinFunctionType):
        return [value.__self__, value.__name__]
    if not _is_open(kind):
        return None
    base: Any = next((base for base in _CONTAINERS if isinstance(value, base)), None)
    items = [] if base is None else list(base.__iter__(value))
    if isinstance(value, np.ndarray) and value.dtype.kind == "O":
        items = list(value.flat)
    if isinstance(value, dict):
        items += [getattr(value, "default_factory", None), *base.values(value)]
    if isinstance(value, partial):
        items += [value.func, value.args, value.keywords]
    return items + _state(value)


@cache
def _is_open(kind: Any) -> bool:
    """Whether the objects of a class have nothing but their items and attributes.

    Those of pandas also have caches, which fill when the objects are read.
    """
    return kind.__module__.split(".")[0] != "pandas" and all(map(_hides_nothing, kind.__mro__))


def _hides_nothing(kind: Any) -> bool:
    """Whether a class is written in Python, or known."""
    made_in_c = isinstance(vars(kind).get("__new__"), BuiltinFunctionType)
    has_place = "__slots__" in vars(kind) or any("__dict__" in vars(one) for one in kind.__mro__)
    is_heap_type = bool(kind.__flags__ & 1 << 9)  # Py_TPFLAGS_HEAPTYPE, as all of Python's own are
    return kind in _SEEN or (is_heap_type and has_place and not made_in_c)


def _attributes(value: Any) -> dict[str, Any]:
    """Return the attributes of an object: those in its `__dict__`, and those in slots."""
    if isinstance(value, np.memmap):
        return {}  # they hold the file, which is not copied
    state = object.__getstate__(value)
    attributes, slots = state if isinstance(state, tuple) else (state, None)
    notes = _NOTES if _is_of("scipy", value) else ()
    found = {**(attributes or {}), **(slots or {})}
    return {name: item for name, item in found.items() if name not in notes}


def _state(value: Any) -> list[Any]:
    found = _attributes(value)
    return [*found, *found.values()]


def _pandas_kinds() -> tuple[type, ...]:
    """Return the classes of pandas if it is loaded; it is not imported for this."""
    pandas: Any = sys.modules.get("pandas")
    return (pandas.DataFrame, pandas.Series, pandas.Index) if hasattr(pandas, "Index") else ()


def _is_of(library: str, value: Any) -> bool:
    return str(type(value).__module__).split(".")[0] == library


def _named(value: Any) -> str:
    kind = type(value)
    module = "" if kind.__module__ in {"builtins", "__main__"} else f"{kind.__module__}."
    return f"{module}{kind.__qualname__}"


# --- copying


def _copied(value: Any, copier: "_Copier") -> Any:
    try:
        return copier(value)
    except RecursionError:
        raise CannotCopyError(f"{_named(value)} nested too deeply") from None


class _Copier:
    """Copy values; an object that occurs several times is copied once.

    Parts are copied first, and `copy.deepcopy` finds the copies in its memo: so modules are not
    copied, and arrays keep their strides.
    """

    def __init__(self) -> None:
        self._memo: dict[int, Any] = {}
        self._begun: set[int] = set()

    def __call__(self, value: Any) -> Any:
        if type(value) in ATOMS:
            return value
        if id(value) in self._memo:
            return self._memo[id(value)]
        if type(value) is list:
            new = self._memo[id(value)] = []
            new += self._items(value)
            return new
        if type(value) is dict:
            fresh = self._memo[id(value)] = {}
            keys, items = self._items(list(value)), self._items(list(value.values()))
            fresh.update(zip(keys, items, strict=True))
            return fresh
        return self._memo.setdefault(id(value), self._other(value))

    def _items(self, items: list[Any]) -> Iterable[Any]:
        kinds = set(map(type, items))
        if kinds == {list} and holds_atoms(items):  # a matrix: its rows at once
            ids = list(map(id, items))
            if len(set(ids)) == len(ids) and self._memo.keys().isdisjoint(ids):
                rows = [row[:] for row in items]
                self._memo.update(zip(ids, rows, strict=True))
                return rows
        is_fixed = kinds <= ATOMS or (kinds == {tuple} and holds_atoms(items))
        return items if is_fixed else map(self, items)

    def _other(self, value: Any) -> Any:
        if (type(value) is tuple and set(map(type, value)) <= ATOMS) or _is_atom(value):
            return value
        if isinstance(value, np.ndarray) and not value.dtype.hasobject:
            return self._array(value)
        if isinstance(value, BuiltinFunctionType):  # deepcopy does not copy its object
            return getattr(self(value.__self__), value.__name__)
        kind: Any = type(value)
        if _is_open(kind) and not hasattr(kind, "__deepcopy__"):
            with suppress(TypeError):  # a container, or an object that only its class can copy
                return self._object(value)
        return self._whole(value)

    def _object(self, value: Any) -> Any:
        """Copy attribute by attribute, because `__getstate__` may leave some out."""
        new = object.__new__(type(value))
        self._memo[id(value)] = new
        try:
            for name, item in _attributes(value).items():
                if name in getattr(value, "__dict__", ()):  # a property may have its name
                    vars(new)[name] = self(item)
                else:
                    object.__setattr__(new, name, self(item))
        except TypeError:
            del self._memo[id(value)]
            raise
        return new

    def _array(self, value: NDArray[Any]) -> NDArray[Any]:
        new = _in_its_strides(np.asarray(value)).view(type(value))
        if type(value) not in {np.ndarray, np.memmap} and hasattr(value, "__dict__"):
            vars(new).update({name: self(item) for name, item in vars(value).items()})
        new.flags.writeable = value.flags.writeable
        return new

    def _whole(self, value: Any) -> Any:
        cause = _named(value)
        if id(value) not in self._begun:
            self._begun.add(id(value))
            for part in _parts(value) or ():
                try:
                    self._memo.setdefault(id(part), self(part))
                except CannotCopyError as error:  # its class may not need to copy the part
                    cause = str(error)
        try:
            new = copy.deepcopy(value, self._memo)
        except Exception as error:
            raise CannotCopyError(cause) from error
        for axis in ("index", "columns"):  # pandas' copies share the memory of these
            if isinstance(value, _pandas_kinds()) and hasattr(type(value), axis):
                setattr(new, axis, getattr(value, axis).copy(deep=True))
        return new


def _in_its_strides(value: NDArray[Any]) -> NDArray[Any]:
    """Return a copy with the same strides, so that a column of a matrix stays as slow to read."""
    if value.flags.c_contiguous or value.flags.f_contiguous or not value.size:
        return value.copy(order="K")
    reach = [(n - 1) * step for n, step in zip(value.shape, value.strides, strict=True)]
    before = -sum(min(0, length) for length in reach)
    after = sum(max(0, length) for length in reach) + value.itemsize
    memory = np.empty(before + after, np.uint8)
    new: NDArray[Any] = np.ndarray(value.shape, value.dtype, memory, before, value.strides)
    new[...] = value
    return new


# --- comparing


class _Comparison:
    """Compare values; a pair that is already being compared counts as the same.

    If one is a copy of the other, a mutable part that both share could not be copied.
    """

    def __init__(self, *, with_copy: bool = False) -> None:
        self.is_unsure = False
        self._with_copy = with_copy
        self._begun: dict[tuple[int, int], tuple[Any, Any]] = {}

    def __call__(self, a: Any, b: Any) -> bool:
        if type(a) is not type(b):
            return False
        if a is b and not self._with_copy:
            return True
        is_sequence = type(a) in {list, tuple}
        if not is_sequence and _is_atom(a):
            return _same_atoms(a, b)
        if (id(a), id(b)) in self._begun:
            return True
        self._begun[id(a), id(b)] = a, b  # kept alive, so that their ids are not reused
        if a is b and type(a) not in {tuple, frozenset}:
            raise CannotCopyError(_named(a))
        return self._all(a, b) if is_sequence else self._contents(a, b)

    def _all(self, a: Any, b: Any) -> bool:
        """Compare lists item by item; those of atoms quickly."""
        types = list(map(type, a))
        if types != list(map(type, b)):
            return False
        if set(types) <= ATOMS:
            return a == b or all(map(_same_atoms, a, b))
        if _are_rows(a, b, set(types)):
            lengths = list(map(len, a)) == list(map(len, b))  # of a matrix
            return lengths and self._all(*(list(chain.from_iterable(rows)) for rows in (a, b)))
        return all(map(self, a, b))

    def _contents(self, a: Any, b: Any) -> bool:
        if isinstance(a, _pandas_kinds()):
            return self._pandas(a, b)
        if isinstance(a, np.ndarray | np.void) and not self._arrays(a, b):
            return False
        if isinstance(a, (*_NUMBERS_AND_DATES, bytearray)) and not _same_atoms(a, b):
            return False
        if isinstance(a, set | frozenset):
            return self._sets(a, b) and self._all(_state(a), _state(b))
        if isinstance(a, np.void | np.ma.MaskedArray):
            return True
        parts, others = _parts(a), _parts(b)
        if parts is None or others is None:
            self.is_unsure = True
            return True
        return self._all(parts, others)

    def _sets(self, a: Any, b: Any) -> bool:
        if not all(_is_atom(item) or holds_atoms([item]) for item in a):  # found by identity only
            self.is_unsure = True
            return len(a) == len(b)
        return {(type(item), item) for item in a} == {(type(item), item) for item in b}

    def _arrays(self, a: Any, b: Any) -> bool:
        if not isinstance(a, np.ma.MaskedArray):
            return self._plain_arrays(np.asarray(a), np.asarray(b))
        fill = a.fill_value
        return (
            self._plain_arrays(np.ma.getmaskarray(a), np.ma.getmaskarray(b))
            and self._plain_arrays(np.asarray(fill), np.asarray(b.fill_value))
            and self._plain_arrays(a.filled(fill), b.filled(fill))
        )

    def _plain_arrays(self, a: NDArray[Any], b: NDArray[Any]) -> bool:
        if self._with_copy and np.may_share_memory(a, b):
            raise CannotCopyError(_named(a))
        if a.dtype != b.dtype or a.shape != b.shape:
            return False
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
        self.is_unsure |= not _is_of("pandas", a)
        if not hasattr(a, "iloc"):
            return self._all(list(a.names), list(b.names)) and a.dtype == b.dtype and a.equals(b)
        has_columns = hasattr(type(a), "columns")
        parts = ([one.index, one.columns if has_columns else one.name] for one in (a, b))
        if a.shape != b.shape or not self._all(*parts) or not self(a.attrs, b.attrs):
            return False
        pairs = [(a, b)]
        if has_columns:
            pairs = [(a.iloc[:, i], b.iloc[:, i]) for i in range(a.shape[1])]
        return all(self._columns(one, other) for one, other in pairs)

    def _columns(self, a: Any, b: Any) -> bool:
        if a.dtype == b.dtype == "object":
            return self._all(list(a), list(b))
        return a.dtype == b.dtype and bool(a.equals(b))


def _are_rows(a: Any, b: Any, kinds: set[type]) -> bool:
    """Whether both hold rows of atoms and share no list, as a copy shares none."""
    if kinds == {list}:
        return holds_atoms(a) and not any(map(operator.is_, a, b))
    return kinds == {tuple} and holds_atoms(a)


def _same_atoms(a: Any, b: Any) -> bool:
    try:
        return a is b or bool(a == b or (a != a and b != b))  # NaN
    except (TypeError, ValueError, ArithmeticError):  # no truth value
        return False
