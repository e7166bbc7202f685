"""The command that compiles the library's kernels before a worker needs them."""

from typing import Annotated

import typer

from bench.cli.options import Names, usage_errors

EveryDtype = Annotated[
    Names,
    typer.Option("--dtype", metavar="A,B", help="float64, float32; both by default."),
]


def warmup(dtypes: EveryDtype = None) -> None:
    """Compile the library's kernels into Numba's cache, before a worker needs them."""
    from bench.common.choices import parse_names
    from bench.measurement.machine import refuse_without_jit
    from kernels.simd import warmup as compiling

    with usage_errors():
        refuse_without_jit()
        chosen = parse_names("dtype", dtypes or (), compiling.DTYPES) or compiling.DTYPES
    compiling.compile_ahead(chosen, _say)
    print(f"In {compiling.cache_folder()}, for this kind of processor.")


def _say(function: str, dtype: str, variants: int, seconds: float) -> None:
    plural = "s" if variants > 1 else ""
    print(f"{function}, {dtype}: {variants} variant{plural} in {seconds:.1f} s", flush=True)
