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
