"""Write the problem file with which changes to a kernel are checked and timed."""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.loops import remedies
from bench.loops.findings import Explanation
from bench.loops.remedies import CannotRewriteError, KernelSource, Remedy
from bench.model import Problem, jitted_function
from bench.problems.user_modules import copy_modules

# The tier of the kernel as it is, with which the changed ones are compared.
AS_IS = "numba"
FILE = '''"""Changes to `{tier}` of {problem}, for `lossbench explain --try`."""

from dataclasses import replace
from functools import partial

from bench.problems.user_file import look_at, problems_in

{imports}

FILES = {files}
(BASE,) = (one for one in problems_in(FILES) if one.name == {problem!r})
KERNEL = BASE.tiers[{tier!r}]
CHANGED = {{
{changed}
}}
TIERS_KEPT = {{name: BASE.tiers[name] for name in {{BASE.oracle}} - {{{tier!r}}}}}
PROBLEMS = [
    replace(
        BASE,
        tiers={{
            **TIERS_KEPT,
            "{as_is}": KERNEL,
            **{{name: replace(KERNEL, load=load) for name, load in CHANGED.items()}},
        }},
        oracle="{as_is}" if BASE.oracle == {tier!r} else BASE.oracle,
    )
]
'''


@dataclass(frozen=True)
class Trial:
    """A problem file with changed kernels.

    Attributes
    ----------
    file : Path
    changes : mapping of tier to the remedies in it
    sources : mapping of tier to KernelSource
    written : KernelSource
        The kernel as it is in its file.
    path : str
        Of the file with the kernel.
    """

    file: Path
    changes: Mapping[str, tuple[Remedy, ...]]
    sources: Mapping[str, KernelSource]
    written: KernelSource
    path: str


def write_trial(problem: Problem, tier: str, dtype: str, found: Explanation, folder: Path) -> Trial:
    """Write the changed copies of a kernel's file, and the problem file that compares them.

    Parameters
    ----------
    problem : Problem
    tier, dtype : str
    found : Explanation
        Of this tier.
    folder : Path
        Where to write them; it is empty.

    Raises
    ------
    CannotRewriteError
        The kernel's source is not known, or nothing in it is to be changed.
    """
    path, written, base = _source_of(problem.tiers[tier].load())
    sets = remedies.combinations(remedies.remedies_for(base, found, dtype))
    if not sets:
        raise CannotRewriteError("there is no change to try")
    changes = {_name(one): one for one in sets}
    sources = {name: _applied(base, one) for name, one in changes.items()}
    for name, source in sources.items():
        (folder / f"{_module(name)}.py").write_text(source.text, encoding="utf-8")
    if problem.source:
        copy_modules(path, folder)
    files = f"(look_at({problem.source!r}),)" if problem.source else "()"
    text = FILE.format(
        tier=tier,
        problem=problem.name,
        imports="\n".join(f"import {_module(name)}" for name in changes),
        files=files,
        changed="\n".join(
            f'    "{name}": partial(getattr, {_module(name)}, "{source.bound_to}"),'
            for name, source in sources.items()
        ),
        as_is=AS_IS,
    )
    file = folder / f"{problem.name}_changes.py"
    file.write_text(text, encoding="utf-8")
    return Trial(file, changes, sources, written, str(path))


def _source_of(kernel: Any) -> tuple[Path, KernelSource, KernelSource]:
    """Return the file of a jitted function, its source, and the same with decorators."""
    function = jitted_function(kernel)
    if function is None:
        raise CannotRewriteError("it is no jitted function")
    try:
        path = Path(inspect.getfile(function))
        text = path.read_text(encoding="utf-8")
    except (OSError, TypeError, UnicodeDecodeError) as error:
        raise CannotRewriteError(f"its source cannot be read: {error}") from error
    names = [name for name, value in function.__globals__.items() if value is kernel]
    source = KernelSource(text, function.__name__, (names or [function.__name__])[0])
    decorated = remedies.as_decorated(source)
    # The functions that the loops of `reference` call are known to Numba through this
    ours = str(function.__module__).partition(".")[0] == "reference"
    return path, source, decorated.importing("import kernels.jit") if ours else decorated


def _applied(source: KernelSource, changes: Sequence[Remedy]) -> KernelSource:
    for one in changes:
        source = one.apply(source)
    return source


def _name(changes: Sequence[Remedy]) -> str:
    return "+".join(one.name for one in changes)


def _module(name: str) -> str:
    return "changed_" + name.replace("+", "_and_").replace("-", "_")
