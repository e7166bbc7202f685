"""Derives the constants of `elementary.py` and prints them with the error of each fit.

A script to be run by hand: it needs mpmath, which the package does not.
"""

import numpy as np
from mpmath import atanh, cos, expm1, floor, linspace, ln, lu_solve, matrix, mp, mpf, pi, sqrt

mp.dps = 50

TERMS = {"exp": {np.float32: 5, np.float64: 10}, "log": {np.float32: 3, np.float64: 7}}


# name: what the polynomial stands for, the weight of its error, and the interval. At 0 the first is
# 0/0; neither grid below has a point there.
FITS = {
    # exp(r) = 1 + r + r^2 p(r). An error relative to |expm1(r)| is smaller still beside exp(r). The
    # interval is half of ln 2 and a little, as x * log2(e) may round to the second nearest integer.
    "exp": (
        lambda r: (expm1(r) - r) / r**2,
        lambda r: r**2 / abs(expm1(r)),
        mpf("-0.3467"),
        mpf("0.3467"),
    ),
    # log((1+s) / (1-s)) = 2 s + s z p(z) with z = s^2; z is largest at (1+s) / (1-s) = sqrt(2).
    "log": (
        lambda z: (2 * atanh(sqrt(z)) / sqrt(z) - 2) / z,
        lambda z: z * sqrt(z) / (2 * atanh(sqrt(z))),
        mpf("1e-9"),
        ((sqrt(2) - 1) / (sqrt(2) + 1)) ** 2,
    ),
}


def evaluate(poly, x):
    """`poly`, constant first, at x."""
    return sum(c * x**k for k, c in enumerate(poly))


def remez(target, weight, low, high, terms):
    """The polynomial p, constant first, whose largest |weight * (target - p)| is least.

    Remez exchange: ask for an error that alternates in sign over `terms + 1` points, then move the
    points to the extremes of the error so found, until all of those are level.
    """
    middle, half = (low + high) / 2, (high - low) / 2
    grid = [middle - half * cos(pi * t) for t in linspace(0, 1, 2000)]
    value, scale = [target(x) for x in grid], [weight(x) for x in grid]
    # A third of a step off centre: a point near 0, where the weight of exp vanishes, says nothing.
    places = [int((k + mpf(1) / 3) / (terms + 1) * (len(grid) - 1)) for k in range(terms + 1)]
    level, worst = mpf(0), mpf(1)
    while worst > level * mpf("1.001"):
        system = matrix(terms + 1, terms + 1)
        for row, place in enumerate(places):
            powers = [grid[place] ** k for k in range(terms)]
            system[row, :] = matrix([[*powers, (-1) ** row / scale[place]]])
        *poly, level = lu_solve(system, matrix([value[place] for place in places]))
        error = [w * (y - evaluate(poly, x)) for x, y, w in zip(grid, value, scale, strict=True)]
        level, worst = abs(level), max(map(abs, error))
        places = alternating_extremes(error, terms + 1)
    return poly


def alternating_extremes(error, wanted):
    """Places of `wanted` extremes of `error`, of alternating sign."""
    places = [0]
    for k in range(1, len(error)):
        if (error[k] > 0) != (error[places[-1]] > 0):
            places.append(k)
        elif abs(error[k]) > abs(error[places[-1]]):
            places[-1] = k
    while len(places) > wanted:  # only an end can go without two of one sign meeting
        places.pop(0 if abs(error[places[0]]) < abs(error[places[-1]]) else -1)
    return places


def split_ln2(dtype):
    """Ln 2 as a head whose product with any exponent of `dtype` is exact, and a tail."""
    finfo = np.finfo(dtype)
    # The exponents run to that of the least subnormal, and need so many bits.
    kept = finfo.nmant + 1 - int(finfo.maxexp + finfo.nmant).bit_length()
    head = floor(ln(2) * 2**kept) / 2**kept
    return dtype(str(head)), dtype(str(ln(2) - head))


def fit_error(poly, target, weight, low, high):
    """The largest weighted error of the rounded `poly`, on points the fit did not see."""
    rounded = [mpf(float(c)) for c in poly]
    points = linspace(low, high, 3000)
    return max(abs(weight(x) * (target(x) - evaluate(rounded, x))) for x in points)


def shown(values):
    return "(" + ", ".join(str(value) for value in values) + ")"


def main():
    for dtype in np.float32, np.float64:
        print(f"{dtype.__name__}\n    ln2={shown(split_ln2(dtype))}")
        for name, fit in FITS.items():
            wanted = TERMS[name][dtype]
            for terms in wanted, wanted - 1:
                poly = [dtype(str(c)) for c in remez(*fit, terms)]
                ulps = fit_error(poly, *fit) / mpf(float(np.finfo(dtype).eps))
                print(f"    {name}_tail={shown(poly)}  # {terms} terms, {float(ulps):.2g} eps")


if __name__ == "__main__":
    main()
