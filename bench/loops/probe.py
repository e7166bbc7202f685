"""A loop of which LLVM's remark is known: without it, this LLVM gives no remarks."""

from types import ModuleType

# What the remark on the probe says.
KNOWN = "vectorized loop"


def probe(numba: ModuleType) -> None:
    """Compile a loop that every vectoriser knows."""

    def doubled(x):  # type: ignore[no-untyped-def]
        for i in range(len(x)):
            x[i] *= 2.0

    numba.njit(doubled).compile((numba.float64[::1],))
