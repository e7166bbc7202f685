"""Vectors in compiled code: each operation against NumPy on the same lanes."""

import numpy as np
import pytest
from numba import njit
from numba.core.errors import TypingError

from kernels.simd import elementary
from kernels.simd import vectors as v

DTYPES = ["float32", "float64"]
LANES = {"float32": 16, "float64": 8}
each_dtype = pytest.mark.parametrize("dtype", DTYPES)

SPECIAL = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 1e-30, -745.0, 88.0]


def numbers(dtype, count, seed=0):
    return (3 * np.random.default_rng(seed).standard_normal(count)).astype(dtype)


def with_special(dtype, count):
    values = numbers(dtype, count)
    values[: len(SPECIAL)] = SPECIAL[:count]
    return values


@each_dtype
def test_a_line_is_64_bytes(dtype):
    @njit
    def lanes(x):
        row = v.pointer(x, 0)
        return v.lanes(row, 1), v.lanes(row, 4), v.lanes_of(v.load(row, 0, 2))

    line = LANES[dtype]
    assert lanes(numbers(dtype, 4 * line)) == (line, 4 * line, 2 * line)


@each_dtype
@pytest.mark.parametrize("offset", [0, 1, 5])
def test_loads_and_stores_need_no_alignment(dtype, offset):
    @njit
    def copy(x, y, at):
        v.store(v.pointer(y, 0), at, v.load(v.pointer(x, at), 0, 1))

    line = LANES[dtype]
    x, y = numbers(dtype, line + 5), np.zeros(line + 5, dtype)
    copy(x, y, offset)
    np.testing.assert_array_equal(y[offset : offset + line], x[offset : offset + line])
    assert not y[:offset].any()
    assert not y[offset + line :].any()


@each_dtype
@pytest.mark.parametrize("count", [0, 1, 5])
def test_lanes_that_are_left_out_are_neither_read_nor_written(dtype, count):
    @njit
    def copy_first(x, y, count):
        source, target = v.pointer(x, 0), v.pointer(y, 0)
        first = v.lane_indices(v.splat(source, 1, 0.0)) < count
        whole = v.load_masked(source, 0, first, v.splat(source, 1, 2.5))
        v.store(target, 0, whole)
        v.store_masked(target, v.lanes(target, 1), whole, first)
        return v.count_true(first)

    line = LANES[dtype]
    x, y = numbers(dtype, line), np.full(2 * line, 7, dtype)
    assert copy_first(x, y, count) == count
    np.testing.assert_array_equal(y[:line], [*x[:count], *[2.5] * (line - count)])
    np.testing.assert_array_equal(y[line:], [*x[:count], *[7] * (line - count)])


@each_dtype
def test_a_part_of_a_line_is_loaded(dtype):
    @njit
    def copy(x, y):
        source, target = v.pointer(x, 0), v.pointer(y, 0)
        zero = v.zeros(source, 4)
        v.store(target, 0, v.load_like(source, 3, zero))
        v.store(target, 4, v.load_first(source, 6, zero))
        v.store(target, 8, v.splat_like(zero, v.first(v.load_like(source, 2, zero))))

    x, y = numbers(dtype, 7), np.full(13, 7, dtype)
    copy(x, y)
    np.testing.assert_array_equal(y, [*x[3:7], x[6], 0, 0, 0, *x[[2, 2, 2, 2]], 7])


@each_dtype
@pytest.mark.parametrize("label", [0, 2, 5, 11])
def test_masks_leave_out_the_label(dtype, label):
    @njit
    def copy(x, y, label):
        source, target = v.pointer(x, 0), v.pointer(y, 0)
        masks = v.offset(v.label_masks(source, 2), -label)
        zero = v.zeros(source, 4)
        for j in range(0, 12, 4):
            masked = v.and_bits(v.load_like(source, j, zero), v.load_like(masks, j, zero))
            v.store(target, j, masked)

    x, y = with_special(dtype, 12), np.full(12, 7, dtype)
    copy(x, y, label)
    x[label] = 0.0
    assert y.tobytes() == x.tobytes()


@each_dtype
def test_halves_are_added(dtype):
    @njit
    def halves(x, y):
        row = v.pointer(x, 0)
        whole = v.load_like(row, 0, v.zeros(row, 8))
        v.store(v.pointer(y, 0), 0, v.fold(whole))
        above = v.minus_ones(whole > 0.0, whole)
        return v.reduce_add(v.fold(above)), v.reduce_add(above)

    x, y = numbers(dtype, 8), np.empty(4, dtype)
    x[5] = np.nan
    assert halves(x, y) == (-(x > 0).sum(), -(x > 0).sum())
    np.testing.assert_array_equal(y, x[:4] + x[4:])


@each_dtype
@pytest.mark.parametrize("lines", [1, 4])
def test_lanes_that_a_condition_holds_in_are_counted(dtype, lines):
    @njit
    def count(x):
        row = v.pointer(x, 0)
        if x.size == v.lanes(row, 1):
            return v.count_true(v.load(row, 0, 1) > 0.0)
        return v.count_true(v.load(row, 0, 4) > 0.0)

    x = with_special(dtype, lines * LANES[dtype])
    assert count(x) == (x > 0).sum()
    assert count(np.ones_like(x)) == len(x)


@each_dtype
def test_arithmetic_is_lane_by_lane_and_ieee(dtype):
    @njit
    def compute(x, y, out):
        a, b = v.load(v.pointer(x, 0), 0, 1), v.load(v.pointer(y, 0), 0, 1)
        row, line = v.pointer(out, 0), v.lanes_of(a)
        v.store(row, 0, a + b)
        v.store(row, line, a - 2.5)
        v.store(row, 2 * line, 3 * a)
        v.store(row, 3 * line, a / b)
        a += b
        a *= 2
        v.store(row, 4 * line, a)
        v.store(row, 5 * line, abs(b))

    line = LANES[dtype]
    x, y = with_special(dtype, line), numbers(dtype, line, seed=1)
    y[:2] = 0.0
    out = np.empty(6 * line, dtype)
    compute(x, y, out)
    with np.errstate(all="ignore"):
        one = np.dtype(dtype).type
        expected = [x + y, x - one(2.5), one(3) * x, x / y, (x + y) * one(2), np.abs(y)]
    np.testing.assert_array_equal(out.reshape(6, line), expected)


@each_dtype
def test_comparisons_select_as_numpy_does(dtype):
    @njit
    def compare(x, y, out):
        a, b = v.load(v.pointer(x, 0), 0, 1), v.load(v.pointer(y, 0), 0, 1)
        row, line = v.pointer(out, 0), v.lanes_of(a)
        v.store(row, 0, v.select(a < b, 1.0, v.splat(row, 1, 0.0)))
        v.store(row, line, v.select(a <= b, 1.0, v.splat(row, 1, 0.0)))
        v.store(row, 2 * line, v.select(a > b, 1.0, v.splat(row, 1, 0.0)))
        v.store(row, 3 * line, v.select(a >= b, 1.0, v.splat(row, 1, 0.0)))
        v.store(row, 4 * line, v.select(a == b, 1.0, v.splat(row, 1, 0.0)))
        v.store(row, 5 * line, v.select(a != b, 1.0, v.splat(row, 1, 0.0)))
        v.store(row, 6 * line, v.select((a > 0.0) & (b > 0.0), a, b))
        v.store(row, 7 * line, v.select((a > 0.0) | (b > 0.0), a, b))

    line = LANES[dtype]
    x, y = with_special(dtype, line), with_special(dtype, line)[::-1].copy()
    out = np.empty(8 * line, dtype)
    compare(x, y, out)
    expected = [
        *(x < y, x <= y, x > y, x >= y, x == y, x != y),
        *(np.where((x > 0) & (y > 0), x, y), np.where((x > 0) | (y > 0), x, y)),
    ]
    np.testing.assert_array_equal(out.reshape(8, line), expected)


@each_dtype
@pytest.mark.parametrize("lines", [1, 2, 4])
def test_sums_and_maxima_go_across_all_lanes(dtype, lines):
    @njit
    def fold(x):
        row = v.pointer(x, 0)
        if x.size == 4 * v.lanes(row, 1):
            return v.reduce_add(v.load(row, 0, 4)), v.reduce_max(v.load(row, 0, 4))
        if x.size == 2 * v.lanes(row, 1):
            return v.reduce_add(v.load(row, 0, 2)), v.reduce_max(v.load(row, 0, 2))
        return v.reduce_add(v.load(row, 0, 1)), v.reduce_max(v.load(row, 0, 1))

    x = np.random.default_rng(0).integers(-50, 50, lines * LANES[dtype]).astype(dtype)
    assert fold(x) == (x.sum(), x.max())
    x[-1] = np.nan
    assert np.isnan(fold(x)).all()


@each_dtype
def test_lanes_know_their_numbers(dtype):
    @njit
    def mark(out, lane):
        row = v.pointer(out, 0)
        zero = v.splat(row, 1, 0.0)
        v.store(row, 0, v.select(v.lane_indices(zero) == lane, 1.0, zero))

    for lane in range(LANES[dtype]):
        out = np.empty(LANES[dtype], dtype)
        mark(out, lane)
        np.testing.assert_array_equal(out, np.arange(len(out)) == lane)


@each_dtype
def test_labels_come_as_integers_of_the_lanes_width(dtype):
    @njit
    def equal(labels, out, label):
        row = v.pointer(out, 0)
        zero = v.splat(row, 1, 0.0)
        own = v.load_integers(v.pointer(labels, 0), 1, zero)
        v.store(row, 0, v.select(own == label, 1.0, zero))

    line = LANES[dtype]
    labels = np.random.default_rng(0).integers(0, 3, line + 1)
    out = np.empty(line, dtype)
    equal(labels, out, 2)
    np.testing.assert_array_equal(out, labels[1:] == 2)


def test_numbers_become_float64_before_they_are_added_up():
    @njit
    def total(x):
        return v.reduce_add(v.to_float64(v.load(v.pointer(x, 0), 0, 1)))

    x = np.full(16, 1.0, np.float32)
    x[0] = 2.0**24
    assert total(x) == 2.0**24 + 15  # in float32, 1 more than 2^24 is 2^24


@pytest.mark.sampled
@each_dtype
@pytest.mark.parametrize("parts", [1, 2, 4])
@pytest.mark.parametrize("longer", [0, -1, 3])
def test_rows_are_transposed_and_transposed_back(dtype, parts, longer):
    @njit
    def there_and_back(x, stride, columns, back):
        rows, room, target = v.pointer(x, 0), v.pointer(columns, 0), v.pointer(back, 0)
        if columns.size == v.lanes(rows, 1) ** 2:
            v.transpose(rows, stride, 1, room)
            v.transpose_back(room, 1, target, stride)
        elif columns.size * 2 == v.lanes(rows, 1) ** 2:
            v.transpose(rows, stride, 2, room)
            v.transpose_back(room, 2, target, stride)
        else:
            v.transpose(rows, stride, 4, room)
            v.transpose_back(room, 4, target, stride)

    line = LANES[dtype]
    width = line // parts
    stride = width + longer
    x = np.arange(line * stride + width).astype(dtype)
    columns, back = np.zeros(width * line, dtype), np.full(len(x), -1, dtype)
    there_and_back(x, stride, columns, back)
    rows = np.array([x[r * stride : r * stride + width] for r in range(line)])
    np.testing.assert_array_equal(columns.reshape(width, line), rows.T)
    for r in range(line):
        np.testing.assert_array_equal(back[r * stride :][: min(width, stride)], rows[r][:stride])


@each_dtype
def test_rows_of_known_length_are_transposed_whole(dtype):
    @njit
    def there_and_back(x, columns, back):
        v.transpose_whole(v.pointer(x, 0), 3, v.pointer(columns, 0))
        v.transpose_whole_back(v.pointer(columns, 0), 3, v.pointer(back, 0))

    line = LANES[dtype]
    x = numbers(dtype, 3 * line)
    columns, back = np.zeros_like(x), np.zeros_like(x)
    there_and_back(x, columns, back)
    np.testing.assert_array_equal(columns.reshape(3, line), x.reshape(line, 3).T)
    np.testing.assert_array_equal(back, x)


@each_dtype
@pytest.mark.parametrize("name", ["exp", "expm1", "log", "log1p"])
def test_math_gives_a_vector_the_bits_of_its_numbers(dtype, name):
    function = getattr(elementary, name)

    @njit
    def of_vectors(x, out):
        for i in range(0, x.size, v.lanes(v.pointer(x, 0), 1)):
            v.store(v.pointer(out, 0), i, function(v.load(v.pointer(x, 0), i, 1)))

    @njit
    def of_numbers(x, out):
        for i in range(x.size):
            out[i] = function(x[i])

    x = 30 * numbers(dtype, 1024)
    x[: len(SPECIAL)] = SPECIAL
    vectors, one_by_one = np.empty_like(x), np.empty_like(x)
    of_vectors(x, vectors)
    of_numbers(x, one_by_one)
    assert vectors.tobytes() == one_by_one.tobytes() or (
        np.array_equal(vectors, one_by_one, equal_nan=True)
        and np.array_equal(np.signbit(vectors), np.signbit(one_by_one))
    )


@each_dtype
def test_exp_nonpositive_is_exp_but_for_subnormal_results(dtype):
    @njit
    def both(x, some, all_):
        for i in range(x.size):
            some[i], all_[i] = elementary.exp_nonpositive(x[i]), elementary.exp(x[i])

    finfo = np.finfo(dtype)
    least = np.log(finfo.smallest_normal)
    x = np.linspace(1.1 * least, 0, 100_001).astype(dtype)
    some, all_ = np.empty_like(x), np.empty_like(x)
    both(x, some, all_)
    normal = x >= least
    np.testing.assert_allclose(some[normal], all_[normal], rtol=2 * finfo.eps, atol=0)
    assert not some[x < least].any()
    special = np.array([np.nan, -np.inf, 0.0, -0.0], dtype)
    both(special, some, all_)
    np.testing.assert_array_equal(some[:4], [np.nan, 0.0, 1.0, 1.0])


def test_a_pointer_wants_a_contiguous_array():
    @njit
    def first(x):
        return v.pointer(x, 0)[0]

    assert first(np.array([2.0, 3.0])) == 2.0
    with pytest.raises(TypingError, match="expected a contiguous array"):
        first(np.arange(4.0)[::2])


def test_the_number_of_lines_is_a_constant():
    @njit
    def load(x, lines):
        return v.reduce_add(v.load(v.pointer(x, 0), 0, lines))

    with pytest.raises(TypingError, match="the number of lines must be a constant"):
        load(np.zeros(8), 1)
