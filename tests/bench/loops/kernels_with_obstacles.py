"""Small kernels that each have one known obstacle; a problem file for `lossbench explain`."""

import math

import numpy as np
from numba import njit

from bench import Problem, Tier


@njit
def clean(x, y):
    for i in range(len(x)):
        y[i] = 2.0 * x[i] + y[i]


@njit
def sum_in_order(x):
    total = 0.0
    for i in range(len(x)):
        total += x[i] * x[i]
    return total


@njit
def largest(x):
    best, place = x[0], 0
    for i in range(len(x)):
        if x[i] > best:
            best, place = x[i], i
    return best + place


@njit
def recurrence(x):
    for i in range(2, len(x)):
        x[i] = 0.5 * x[i - 1] + x[i]


@njit
def scattered(places, x):
    for i in range(len(places)):
        x[places[i]] += 1.0


@njit
def overlapping(x, y):
    for i in range(len(x)):
        y[i] = x[i] * y[i]


@njit
def branching(x, y):
    for i in range(len(x)):
        if x[i] > 0.5:
            y[i] = x[i]


@njit
def leaving(x, y):
    for i in range(len(x)):
        if x[i] > 2.0:
            break
        y[i] = x[i]


@njit
def until(x):
    i = 0
    while x[i] < 0.9:
        i += 1
    return i


@njit
def calling(x, y):
    for i in range(len(x)):
        y[i] = math.erf(x[i])


@njit
def exponentials(x, y):
    for i in range(len(x)):
        y[i] = math.exp(x[i])


@njit
def remainders(k, m):
    total = 0
    for i in range(len(k)):
        total += k[i] % m
    return total


@njit
def widened(x, y):
    for i in range(len(x)):
        y[i] = x[i] * 3.0


@njit
def apart(x, y):
    for i in range(len(y)):
        y[i] = x[i] + 1.0


@njit
def shifted(x, y, shift):
    for i in range(len(y)):
        y[i] = x[i + shift]


@njit
def divided(x, y):
    for i in range(len(x)):
        y[i] = x[i] / (y[i] + x[i])


@njit
def allocating(x, y):
    for i in range(len(x)):
        pair = np.empty(2)
        pair[0], pair[1] = x[i], y[i]
        y[i] = pair.max()


@njit
def columns(x):
    total = 0.0
    for j in range(x.shape[1]):
        for i in range(x.shape[0]):
            total += x[i, j]
    return total


@njit
def square(value):
    return value * value


@njit
def inlined(x, y):
    for i in range(len(x)):
        y[i] = square(x[i])


@njit
def of_rows(x):
    best = 0.0
    for i in range(len(x)):
        best += max(x[i])
    return best


@njit
def listing(x):
    found = [0.0]
    for i in range(len(x)):
        found.append(x[i])  # noqa: PERF401 - as a loop
    return len(found)


@njit
def every_third(x, y):
    for i in range(0, len(x), 3):
        y[i] = 2.0 * x[i]


@njit
def choosing(x, y):
    for i in range(len(x)):
        if x[i] > 0.5:
            y[i] = 2.0 * x[i]
        else:
            y[i] = -x[i]


@njit
def part(x, y):
    even = x[::2]
    for i in range(len(y)):
        y[i] = even[i] + 1.0


@njit
def copied(x, y):
    x = np.ascontiguousarray(x)
    for i in range(len(y)):
        y[i] = x[i] + 1.0


@njit
def of_length(x, y):
    for i in range(x.shape[0]):
        y[i] = y[i] + 1.0


@njit
def turned(x, y):
    by_column = x.T
    for j in range(x.shape[0]):
        for i in range(x.shape[1]):
            y[j, i] = by_column[i, j] * 2.0


@njit
def halvings(value):
    count = 0
    while value > 1 and count < 50:
        value = value // 2 if value % 2 == 0 else 3 * value + 1
        count += 1
    return count


@njit
def of_helper(k, y):
    for i in range(len(k)):
        y[i] = halvings(k[i])


@njit
def counted(x, counts):
    for v in x:
        counts[int(v * 10)] += 1


@njit
def of_parts(x, y):
    for i in range(x.shape[0]):
        y[i] = x[i, 1:].sum()


@njit
def means(x):
    best = 0.0
    for i in range(len(x)):
        best += x[i].mean()
    return best


def ones(dtype="float64"):
    return np.ones(64, dtype)


ARGUMENTS = {
    clean: (ones(), ones()),
    sum_in_order: (ones(),),
    largest: (ones(),),
    recurrence: (ones(),),
    scattered: (np.arange(8), ones()),
    overlapping: (ones(), ones()),
    branching: (ones(), ones()),
    leaving: (ones(), ones()),
    until: (ones(),),
    calling: (ones(), ones()),
    exponentials: (ones(), ones()),
    remainders: (np.arange(64), 7),
    widened: (ones("float32"), ones("float32")),
    apart: (ones()[::2], np.ones(32)),
    shifted: (ones(), np.ones(60), 3),
    divided: (ones(), ones()),
    allocating: (ones(), ones()),
    columns: (np.ones((8, 9)),),
    inlined: (ones(), ones()),
    of_rows: (np.ones((8, 9)),),
    listing: (ones(),),
    every_third: (ones(), ones()),
    choosing: (ones(), ones()),
    part: (ones(), np.ones(32)),
    copied: (ones()[::2], np.ones(32)),
    of_length: (ones()[::2], np.ones(32)),
    turned: (np.ones((8, 9)), np.ones((8, 9))),
    of_helper: (np.arange(1, 65), ones()),
    counted: (0.5 * ones(), np.zeros(16)),
    of_parts: (np.ones((8, 9)), np.ones(8)),
    means: (np.ones((8, 9)),),
}


def problem(kernel, arguments):
    return Problem(
        name=kernel.__name__,
        tiers={"numba": Tier(lambda: kernel)},
        sizes={"S": {"n": 64}},
        make_inputs=lambda *_: tuple(
            one.copy(order="K") if isinstance(one, np.ndarray) and one.flags.c_contiguous else one
            for one in arguments
        ),
        outputs={"float64": 1e-12},
        oracle="numba",
    )


PROBLEMS = [problem(kernel, arguments) for kernel, arguments in ARGUMENTS.items()]
