"""Create, find and lock the folder of a run; store its options and its machine."""

import contextlib
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from bench.common import code, files
from bench.common.choices import unknown_name
from bench.measurement import machine
from bench.measurement.records import CELLS
from bench.model import Options
from bench.problems.user_modules import copy_into

ENVIRONMENT = "environment.json"
LOCK = "lock"
MEASUREMENTS = "measurements.csv"
# The format of a run's files. In format 1 the tiers `numba` and `numba-parallel` of the built-in
# problems were the library's, which are now `kernels` and `kernels-parallel`.
FORMAT = 2
RUN_ID = r"\d{8}-\d{6}(-\d+)?"


def begin(output: Path, options: Options) -> Path:
    """Create the folder of a new run, named after the time, and store the run's options in it."""
    folder = new_folder(output)
    facts = machine.facts(threading_layer=False)
    # The default is written out, so that a run resumed on more cores stays the same
    known = asdict(replace(options, threads=options.thread_counts))
    run = {
        "format": FORMAT,
        "run_id": folder.name,
        "started": datetime.now().astimezone().isoformat(),
        "options": known,
        "code": code.digest(),
        "machine": facts,
    }
    try:
        for file in options.files:
            copy_into(folder, Path(file.path))
        _write(folder, run)
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)  # an incomplete folder is not a run
        raise
    return folder


def new_folder(output: Path, kind: str = "") -> Path:
    """Create a folder that is named after the time, and its kind."""
    if output.is_file():
        raise ValueError(f"{output} is a file: --output takes a folder")
    output.mkdir(parents=True, exist_ok=True)
    stem = f"{datetime.now().astimezone():%Y%m%d-%H%M%S}{kind}"
    for suffix in ("", *(f"-{i}" for i in range(2, 100))):
        with contextlib.suppress(FileExistsError):
            (output / f"{stem}{suffix}").mkdir()
            return output / f"{stem}{suffix}"
    raise FileExistsError(f"{output} already has 99 runs from this second: try again")


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """Lock a run, so that no other process measures it; the lock ends with the process.

    Raises
    ------
    ValueError
        Another process is measuring it.
    """
    try:
        with files.locked(folder / LOCK):
            yield
            # Whatever appends in this folder was started by the holder, and has ended.
            with contextlib.suppress(OSError):
                (folder / files.APPEND_LOCK).unlink()
    except BlockingIOError as error:
        raise ValueError(f"{folder} is being measured by another process") from error


def find(name: str, output: Path) -> Path:
    """Return the folder of a run, given by its path, its name in `output`, or "latest".

    Raises
    ------
    ValueError
        There is no such run; the message lists the runs in `output`, the nearest first.
    """
    made = (path.parent for path in output.glob(f"*/{ENVIRONMENT}"))
    runs = sorted(path.name for path in made if re.fullmatch(RUN_ID, path.name))
    if name == "latest" and runs:
        return output / runs[-1]
    for folder in (Path(name), output / name):
        if name and (folder / ENVIRONMENT).exists():
            return folder
    if not runs:
        raise ValueError(f"there is no run in {output}")
    raise ValueError(unknown_name("run", name, runs))


def check_same_code(folder: Path) -> None:
    """Refuse to resume a run without verdicts, or with other kernels or libraries.

    Raises
    ------
    ValueError
        The message says what is missing or has changed.
    """
    if (folder / MEASUREMENTS).exists() and not (folder / CELLS).exists():
        raise ValueError(f"{folder} cannot be resumed: it has no {CELLS}, only a table")
    begun = json.loads((folder / ENVIRONMENT).read_text(encoding="utf-8"))
    facts = machine.facts(threading_layer=False)
    old, new = begun.get("machine", {}).get("libraries", {}), facts["libraries"]
    unused = machine.unused(options_of(folder).tiers)
    differing = [
        f"{name} {old[name]} → {new[name]}"
        for name in machine.LIBRARIES
        if name not in unused and name in old and old[name] != new[name]
    ]
    if begun.get("code") not in {None, code.digest()}:
        differing.append("the code of the tiers")
    if begun.get("format", 1) != FORMAT:
        differing.append("the meaning of tier names")
    if differing:
        raise ValueError(
            f"{folder} cannot be resumed: since it started, this has changed: "
            f"{'; '.join(differing)}. Start a new run"
        )


def has_old_tiers(folder: Path) -> bool:
    """Return whether a run of the built-in problems has the tier names of format 1."""
    try:
        begun = json.loads((folder / ENVIRONMENT).read_text(encoding="utf-8"))
        return begun.get("format", 1) < FORMAT and not begun["options"].get("files")
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def options_of(folder: Path) -> Options:
    """Return the options of a run.

    Raises
    ------
    ValueError
        The folder is not that of a run.
    """
    try:
        known = json.loads((folder / ENVIRONMENT).read_text(encoding="utf-8"))["options"]
        return Options.of(known)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{folder} is not a run that can be resumed: {error}") from error


def machine_of(path: Path) -> dict[str, Any] | None:
    """Return the description of a run's machine; None if there is none.

    Parameters
    ----------
    path : Path
        The run's folder, or a file in it.

    Raises
    ------
    ValueError
        Its environment.json does not describe a machine.
    """
    file = (path if path.is_dir() else path.parent) / ENVIRONMENT
    if not file.exists():
        return None
    try:
        machine = json.loads(file.read_text(encoding="utf-8"))["machine"]
        return dict(machine)
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{file} does not describe the machine: {error!r}") from error


def started(path: Path) -> datetime | None:
    """Return when a run started, given its folder or a file in it; None if it is not recorded."""
    file = (path if path.is_dir() else path.parent) / ENVIRONMENT
    try:
        return datetime.fromisoformat(json.loads(file.read_text(encoding="utf-8"))["started"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def note_machine(folder: Path, facts: dict[str, Any]) -> None:
    """Replace the description of a run's machine by that of a pass, which knows more."""
    known = json.loads((folder / ENVIRONMENT).read_text(encoding="utf-8"))
    _write(folder, known | {"machine": facts})


def _write(folder: Path, values: dict[str, Any]) -> None:
    files.write_atomic(folder / ENVIRONMENT, json.dumps(values, indent=2) + "\n")
