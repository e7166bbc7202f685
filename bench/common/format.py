"""Format seconds and ratios with a few significant digits and a unit."""

import math

_UNITS = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))


def duration(seconds: float, significant: int = 3) -> str:
    """Return a duration as 12.3 µs, 4.56 ms, 78.9 s or 3.20 h.

    Examples
    --------
    >>> duration(0.00045), duration(7200), duration(12e-9), duration(3.16, 2)
    ('450 µs', '2.00 h', '12.0 ns', '3.2 s')
    """
    for size, unit in _UNITS:
        # 100 s and 100 min are easier to read than 1.67 min and 1.67 h
        if seconds >= (2.0 * size if size > 1.0 else size):
            return f"{digits(seconds / size, significant)} {unit}"
    return f"{digits(seconds * 1e9, significant)} ns"


def digits(value: float, significant: int = 3) -> str:
    """Return a number with this many significant digits; no digit before the point is dropped.

    Examples
    --------
    >>> digits(0.98765), digits(12.345), digits(1234.5), digits(3.16, 2)
    ('0.988', '12.3', '1234', '3.2')
    """
    if value == 0.0 or not math.isfinite(value):
        return f"{value:g}"
    # Rounded first: 9.999 is 10.0, not 10.00
    rounded = float(f"{value:.{significant - 1}e}")
    places = significant - 1 - math.floor(math.log10(abs(rounded)))
    return f"{value:.{max(places, 0)}f}"
