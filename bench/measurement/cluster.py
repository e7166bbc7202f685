"""Run on the workers of a Dask cluster: whole runs, one at a time on each host."""

import io
import os
import platform
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.common.code import ROOT
from bench.model import Options
from bench.problems.user_modules import copy_into
from bench.workers import processes

# How often workers are asked for, and a worker asks whether to stop.
POLL_S = 1.0
# How long a worker may take to end its run after Ctrl-C.
STOP_S = 30.0


class ClusterError(RuntimeError):
    """A cluster cannot be used; the message says why."""


@dataclass(frozen=True)
class HostRun:
    """The run of one host.

    Attributes
    ----------
    host : str
        Its name; with that of the worker, if the host has several.
    code : int, optional
        The exit code of the run; None if its worker died.
    output : str
        What the run printed.
    folder : Path, optional
        The run's; None if there is none.
    """

    host: str
    code: int | None
    output: str
    folder: Path | None


def run_on(
    address: str,
    options: Options,
    into: Path,
    watch: Callable[[Mapping[str, str]], None],
    collect: Callable[[HostRun], None],
) -> None:
    """Run on each worker of a cluster.

    Runs on one host follow each other, so that none disturbs another. A worker that dies loses its
    run; the others go on. An exception of this process interrupts them, and what they have measured
    is collected.

    Parameters
    ----------
    address : str
        Of the scheduler, such as tcp://10.0.0.1:8786. lossbench is installed on the workers.
    options : Options
    into : Path
        The folder in which to put the folders of the runs.
    watch : function of mapping
        Called about once a second with what each host is doing.
    collect : function of HostRun
        Called with each run that has ended.

    Raises
    ------
    ClusterError
        The scheduler does not answer, or has no workers; or `distributed` is not installed.
    """
    try:
        from distributed import Client, Event
    except ImportError as error:
        raise ClusterError(
            "a cluster needs the package distributed: pip install lossbench[dask]"
        ) from error
    try:
        client = Client(address, timeout=10)
    except (OSError, ValueError) as error:
        raise ClusterError(f"no scheduler answers at {address}: {error}") from error
    with client:
        stop = Event(f"lossbench-{os.getpid()}-{time.time()}", client=client)
        fleet = _Fleet(client, options, into, stop.name, collect)
        try:
            while fleet.advance():
                watch(fleet.doing())
                time.sleep(POLL_S)
        except BaseException:
            stop.set()
            deadline = time.monotonic() + STOP_S
            while fleet.advance(start=False) and time.monotonic() < deadline:
                time.sleep(POLL_S)
            raise
        watch(fleet.doing())


class _Fleet:
    """The runs of the workers of a cluster: waiting, running and done."""

    def __init__(
        self,
        client: Any,
        options: Options,
        into: Path,
        stop: str,
        collect: Callable[[HostRun], None],
    ) -> None:
        self._client, self._stop, self._into, self._collect = client, stop, into, collect
        self._words, self._files = options_as_words(options), files_of(options)
        self._running: dict[str, tuple[str, Any]] = {}
        self._ended: list[str] = []
        workers = client.scheduler_info(n_workers=-1)["workers"]
        if not workers:
            raise ClusterError("the cluster has no workers")
        nodes: dict[str, str] = client.run(platform.node)
        self._waiting: dict[str, list[tuple[str, str]]] = {}
        for address, node in nodes.items():
            alone = list(nodes.values()).count(node) == 1
            label = node if alone else f"{node}-{workers[address]['name']}"
            self._waiting.setdefault(node, []).append((label, address))

    def advance(self, *, start: bool = True) -> bool:
        """Collect what ended, start what can start; return whether anything is left."""
        alive = set(self._client.scheduler_info(n_workers=-1)["workers"])
        for node, (label, future) in list(self._running.items()):
            address = future.key.partition("@")[2]
            if future.done() or address not in alive:
                del self._running[node]
                self._ended.append(label)
                self._collect(self._collected(label, future, is_alive=address in alive))
        for node, waiting in self._waiting.items():
            if start and waiting and node not in self._running:
                label, address = waiting.pop(0)
                self._running[node] = label, self._submitted(address)
        return bool(self._running) or (start and any(self._waiting.values()))

    def doing(self) -> dict[str, str]:
        """Return what each host is doing."""
        waiting = {label: "waits" for some in self._waiting.values() for label, _ in some}
        running = {label: "runs" for label, _ in self._running.values()}
        return waiting | running | dict.fromkeys(self._ended, "has ended")

    def _submitted(self, address: str) -> Any:
        return self._client.submit(
            run_here,
            self._words,
            self._files,
            self._stop,
            key=f"lossbench-{time.time()}@{address}",
            workers=[address],
            allow_other_workers=False,
            pure=False,
            retries=0,
        )

    def _collected(self, label: str, future: Any, *, is_alive: bool) -> HostRun:
        if not is_alive or future.status != "finished":
            words = str(future.exception()) if is_alive and future.done() else ""
            future.cancel()
            return HostRun(label, None, words or "its worker died", None)
        code, output, archive = future.result()
        return HostRun(label, code, output, _unpacked(archive, self._into / label))


def run_here(
    words: Sequence[str], problem_files: Mapping[str, bytes], stop: str
) -> tuple[int, str, bytes]:
    """Run lossbench in a process on this worker; return its code, its output and its folder.

    Parameters
    ----------
    words : sequence of str
        The options.
    problem_files : mapping of path to bytes
        The user's files and their modules, by their paths in a folder.
    stop : str
        The name of a `distributed.Event`: if it is set, the run is interrupted.
    """
    from distributed import Event

    event = Event(stop)
    with tempfile.TemporaryDirectory(prefix="lossbench-") as scratch:
        for name, content in problem_files.items():
            (Path(scratch) / name).parent.mkdir(parents=True, exist_ok=True)
            (Path(scratch) / name).write_bytes(content)
        log, results = Path(scratch) / "log", Path(scratch) / "results"
        # Of its own session, and ended with this worker
        command = [sys.executable, "-P", "-m", "bench.workers.lifeline", "bench", "run", *words]
        paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        with log.open("wb") as file:
            process = subprocess.Popen(
                [*command, "--output", str(results)],
                cwd=scratch,
                env=os.environ | {"PYTHONPATH": paths, "PYTHONIOENCODING": "utf-8"},
                stdin=subprocess.PIPE,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                creationflags=processes.NEW_GROUP,
            )
            is_asked_to_end = False
            while process.poll() is None:
                if event.is_set() and not is_asked_to_end:
                    processes.interrupt(process)
                    is_asked_to_end = True
                time.sleep(POLL_S)
        return (
            process.returncode,
            log.read_text(encoding="utf-8", errors="replace"),
            _packed(results),
        )


def _packed(results: Path) -> bytes:
    """Return the folder of the run as a zip archive; empty without one."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for folder in results.glob("*"):
            for file in folder.rglob("*"):
                archive.write(file, file.relative_to(results))
    return buffer.getvalue()


def _unpacked(content: bytes, into: Path) -> Path | None:
    """Unpack a run below a folder; return its folder, None if there is none."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(into)
    return next(into.glob("*"), None) if into.exists() else None


def options_as_words(options: Options) -> list[str]:
    """Return options as words of the command line, but for the output folder."""
    lists = {
        "--size": options.sizes,
        "--tier": options.tiers,
        "--dtype": options.dtypes,
        "--threads": tuple(map(str, options.threads)),
    }
    words = list(options.problems)
    words += [f"{name}={','.join(values)}" for name, values in lists.items() if values]
    words += [f"--problem={Path(file.path).name}" for file in options.files]
    words += ["--quick"] if options.quick else []
    words += [] if options.costs else ["--no-floors"]
    return [*words, f"--passes={options.passes}", f"--budget={options.budget}"]


def files_of(options: Options) -> dict[str, bytes]:
    """Return the user's files and their modules, as a run keeps them."""
    with tempfile.TemporaryDirectory(prefix="lossbench-") as scratch:
        for file in options.files:
            copy_into(Path(scratch), Path(file.path))
        return {
            path.relative_to(scratch).as_posix(): path.read_bytes()
            for path in Path(scratch).rglob("*")
            if path.is_file()
        }
