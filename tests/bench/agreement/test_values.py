"""Copies that nothing reaches, and comparison by contents, of the kinds of values kernels take."""

import array
import datetime as dt
import functools
import random
import threading
import types
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from numba import njit
from numba.typed import List
from scipy import sparse

from bench.agreement.values import CannotCopyError, copied, copied_arguments, same

Pair = namedtuple("Pair", "left right")  # noqa: PYI024 - as a person has it


class Labelled(np.ndarray):
    """An array with attributes."""


class Row(list):
    """A list with attributes."""


@dataclass
class Box:
    content: object


@dataclass(frozen=True, slots=True)
class Slotted:
    content: object


class Locked:
    def __init__(self):
        self.lock = threading.Lock()


class Reopened(Locked):
    """What `copy` cannot look into, and the class can."""

    def __reduce__(self):
        return Reopened, ()


def with_attribute(value):
    value.note = [1]
    return value


def set_note(value):
    value.note[0] = 2


def in_cycle():
    value = [1]
    value.append(value)
    return value


def objects():
    found = np.empty(2, object)
    found[:] = [[1, 2], np.zeros(2)]
    return found


def masked():
    return np.ma.array([1.0, 2.0, 3.0], mask=[False, True, False])


def record():
    return np.array([(1, np.nan), (2, 3.0)], [("i", "u1"), ("x", "f8")])


def frame(column=(1.0, np.nan)):
    return pd.DataFrame({"a": column, "word": ["x", "y"]}, index=[3, 5])


def set_at(key, item):
    def change(value):
        value[key] = item

    return change


def index_named(name):
    def change(value):
        value.index.name = name

    return change


def drop_row(value):
    value.drop(index=3, inplace=True)


CHANGES = [
    (lambda: [3.0, 1.0, 2.0], list.sort),
    (lambda: [1, 2], set_at(0, 1.0)),
    (lambda: [np.nan, 1.0], set_at(0, 0.0)),
    (lambda: [[1.0, 2.0], [3.0, 4.0]], lambda value: value[1].reverse()),
    (lambda: [[1.0], [2.0, 3.0]], lambda value: value[0].append(value[1].pop(0))),
    (lambda: [[1], [1]], set_at(0, [1.0])),
    (lambda: [(1, 2.0), (3, 4.0)], set_at(1, (3, 5.0))),
    (lambda: [np.zeros(2), None], lambda value: np.add(value[0], 1.0, out=value[0])),
    (lambda: ([1], "a"), lambda value: value[0].clear()),
    (lambda: Pair(np.zeros(2), 1), lambda value: value.left.fill(7)),
    (lambda: {"a": {"b": [1]}}, lambda value: value["a"]["b"].append(2)),
    (lambda: {"a": 1, "b": 2}, lambda value: value.pop("a")),
    (lambda: OrderedDict(a=1, b=2), lambda value: value.move_to_end("a")),
    (lambda: defaultdict(list, a=[1]), lambda value: value["new"]),
    (lambda: Counter("aab"), lambda value: value.update("b")),
    (lambda: {1, 2}, lambda value: value.discard(2)),
    (lambda: deque([1, [2]], maxlen=5), deque.rotate),
    (lambda: bytearray(b"ab"), set_at(0, 0)),
    (lambda: {(1, "a"), 2}, lambda value: value.add((1, "b"))),
    (lambda: with_attribute(Row([1])), set_note),
    (in_cycle, set_at(0, 2)),
    (lambda: np.arange(3.0), set_at(1, np.nan)),
    (lambda: np.array([1.0, np.nan]), lambda value: value.fill(0.0)),
    (lambda: np.array([complex(np.nan, 1.0), 2j]), set_at(0, complex(np.nan, 2.0))),
    (lambda: np.array(["2020-01-01", "NaT"], "M8[D]"), set_at(0, np.datetime64("NaT"))),
    (lambda: np.array(["a", "bb"]), set_at(0, "c")),
    (lambda: np.arange(6).reshape(2, 3), lambda value: value.resize((3, 2))),
    (record, lambda value: value["x"].fill(0.0)),
    (objects, lambda value: value[0].append(3)),
    (objects, lambda value: value[1].fill(3.0)),
    (masked, set_at(2, np.ma.masked)),
    (masked, set_at(0, 5.0)),
    (masked, lambda value: value.set_fill_value(7.0)),
    (lambda: with_attribute(np.zeros(2).view(Labelled)), set_note),
    (frame, drop_row),
    (frame, lambda value: value.insert(0, "b", [1, 2])),
    (frame, lambda value: value.isetitem(0, [1.0, 2.0])),
    (frame, index_named("key")),
    (frame, lambda value: value.attrs.update(unit="s")),
    (lambda: frame(pd.array([1, None])), set_at("a", pd.array([1, 2]))),
    (lambda: frame()["a"], set_at(3, 9.0)),
    (lambda: pd.Series([1, "a"]), set_at(0, 2)),
    (lambda: pd.Index([1, 2]), lambda value: value.rename("key", inplace=True)),
    (lambda: sparse.csr_array(np.eye(2)), lambda value: value.data.fill(2.0)),
    (lambda: Box(1), lambda value: setattr(value, "content", 2)),
    (lambda: Box(Box([1])), lambda value: value.content.content.append(1)),
    (lambda: Slotted({"a": np.zeros(2)}), lambda value: value.content["a"].fill(1.0)),
    (lambda: functools.partial(max, [1]), lambda value: value.args[0].append(2)),
    (lambda: [1].append, lambda value: value(2)),
]


@pytest.mark.filterwarnings("ignore:The inplace keyword")
@pytest.mark.parametrize(("make", "change"), CHANGES)
def test_a_copy_is_the_same_until_either_is_changed(make, change):
    value = make()
    copy = copied(value)
    assert copy is not value
    assert same(copy, value)
    assert not copied_arguments((value,))[1], "no part of it changes unseen"
    change(copy)
    assert not same(copy, value)
    assert same(value, make()), "what was copied is as it was"


@pytest.mark.parametrize(
    "value",
    [
        *(None, 1, 2**70, 1.5, "a", b"a", 1j, range(3), slice(2), ..., np.float32(1), object()),
        *(len, np.add, np.ma.masked, jitted := njit(lambda x: x), jitted.py_func, int, np),
        *(dt.date(2020, 1, 1), pd.Timestamp("2020"), pd.NaT, pd.NA, np.dtype("f8")),
        *((1, ("a", 2.0)),),
    ],
)
def test_what_does_not_change_passes_as_it_is(value):
    assert copied(value) is value
    assert same(value, value)


def test_arrays_keep_their_strides_and_whether_they_may_be_written_to():
    matrix = np.arange(24.0).reshape(4, 6)
    read_only = matrix[:2]
    read_only.flags.writeable = False
    views = [matrix[:, 1], matrix[::-1, ::2], matrix.T, read_only]
    views.append(np.broadcast_to(matrix, (2, 4, 6)))
    for view in views:
        copy = copied(view)
        assert (copy.strides, copy.flags.writeable) == (view.strides, view.flags.writeable)
        assert np.array_equal(copy, view)
        assert not np.shares_memory(copy, view)


def test_what_is_one_thing_stays_one():
    x, row = np.zeros(2), [1.0]
    (one, (other,), rows), _ = copied_arguments((x, (x,), [row, row]))
    assert one is other
    assert rows[0] is rows[1]
    cycle = copied(in_cycle())
    assert cycle[1] is cycle
    assert same(cycle, in_cycle())


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (masked(), np.ma.array([1.0, 7.0, 3.0], mask=[False, True, False])),
        (np.array([np.nan, 0.0]), np.array([-np.nan, -0.0])),
        ([float("nan"), [float("nan")]], [float("nan"), [float("nan")]]),
        ([[float("nan")], [1.0]], [[float("nan")], [1.0]]),
    ],
)
def test_what_counts_as_the_same(a, b):
    assert same(a, b)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (1, 1.0),
        (True, 1),
        ((1,), [1]),
        (np.zeros(2), np.zeros(2, np.float32)),
        (np.zeros(2), np.zeros((2, 1))),
        (np.ma.array([1.0, 2.0]), masked()),
        ([[1, 2], [3]], [[1], [2, 3]]),
        ([[1, 2]], [[1, 2.0]]),
    ],
)
def test_what_differs(a, b):
    assert not same(a, b)


@pytest.mark.parametrize(
    "make",
    [
        lambda: random.Random(1),
        lambda: np.random.default_rng(1),
        lambda: np.random.default_rng(1).normal,
        lambda: Box([np.random.default_rng(1)]),
        lambda: pd.array([1, None]),
        lambda: types.SimpleNamespace(calls=0),
        lambda: [1].__len__,
        lambda: array.array("d", [1.0]),
        lambda: {Box(1).__class__: iter([1, 2])},
        lambda: frame().groupby("word"),
        Reopened,
    ],
)
def test_what_cannot_be_seen_into_is_copied_and_said_to_be(make):
    (copy,), unseen = copied_arguments((value := make(),))
    assert unseen
    assert copy is not value
    assert same(copy, value) is None


def test_the_state_of_a_generator_is_copied():
    rng = np.random.default_rng(1)
    ahead = copied(rng).random(3)
    assert np.array_equal(copied(rng.random)(3), ahead)
    assert np.array_equal(rng.random(3), ahead)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ((x for x in [1]), "argument 2 of 2 is a generator, which cannot be copied for each call"),
        ([threading.Lock()], "argument 2 of 2 is a list with a _thread.lock, which cannot"),
        (Locked(), "Locked with a _thread.lock, which cannot be copied"),
        (List([1.0]), "is a numba.typed.typedlist.List with a _nrt_python._MemInfo, which cannot"),
        (pd.Series([[1], [2]]), "is a pandas.Series with a list, which cannot be copied"),
    ],
)
def test_what_cannot_be_copied_is_named(value, words):
    with pytest.raises(CannotCopyError) as error:
        copied_arguments((1, value))
    assert words in str(error.value)


class Shared(Box):
    """What says that it was copied, and was not."""

    def __deepcopy__(self, memo):
        return Shared(self.content)


class Lossy(Box):
    def __deepcopy__(self, memo):
        return Lossy(None)


class Forgetful(Box):
    """What leaves its cache out of a copy."""

    def __getstate__(self):
        return {}


class Counted(float):
    """A number with a state."""


class Wrapper:
    """A decorator with a state."""

    def __init__(self, function):
        functools.update_wrapper(self, function)
        self.calls = 0

    def __call__(self):
        self.calls += 1


@pytest.mark.parametrize("value", [Shared([1]), Lossy(1), [Shared(np.zeros(2))]])
def test_what_its_class_copies_wrongly_is_refused(value):
    with pytest.raises(CannotCopyError, match="cannot be copied for each call"):
        copied_arguments((value,))


@pytest.mark.parametrize(
    ("value", "change"),
    [(with_attribute(Counted(1.0)), set_note), (Wrapper(max), lambda value: value())],
)
def test_a_state_is_no_part_of_a_number_or_function(value, change):
    (copy,), unseen = copied_arguments((value,))
    assert not unseen
    change(copy)
    assert not same(copy, value)


@pytest.mark.parametrize("make", [lambda: Forgetful([1]), lambda: np.polynomial.Polynomial([1])])
def test_a_copy_has_what_a_saved_object_lacks(make):
    (copy,), unseen = copied_arguments((make(),))
    assert not unseen
    assert same(copy, make())


def test_an_object_may_hold_modules_itself_and_a_column_of_a_matrix():
    value = Box([np.zeros((3, 4))[:, 1], np])
    value.content += [value, value.content]
    (copy,), unseen = copied_arguments((value,))
    column, module, again, content = copy.content
    assert not unseen
    assert (again is copy, content is copy.content, module is np) == (True, True, True)
    assert column.strides == value.content[0].strides


def test_nesting_without_end_does_not_break_off():
    value = []
    for _ in range(100_000):
        value = [value, value]
    with pytest.raises(CannotCopyError, match="nested too deeply"):
        copied(value)


def test_what_scipy_notes_about_a_matrix_is_no_change():
    value = sparse.csr_array(np.eye(3))
    copy = copied(value)
    assert copy.has_sorted_indices
    assert copy.has_canonical_format
    assert same(copy, value)
