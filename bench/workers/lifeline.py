"""Run a module that ends with its parent: `python -m bench.workers.lifeline MODULE ARGUMENTS…`.

The parent holds the other end of standard input. The system closes it when the parent ends, even
by kill -9. A call that never releases Python's lock ends at the time limit of `watchdog`.
"""

import os
import runpy
import sys
import threading

from bench.workers import processes


def hold() -> None:
    """End this process, and those it started, when the parent ends."""
    parent = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    threading.Thread(target=_wait, args=(parent,), name="lifeline", daemon=True).start()


def _wait(parent: int) -> None:
    while os.read(parent, 1):
        pass
    processes.kill_this_group()


if __name__ == "__main__":
    hold()
    processes.raise_on_interrupt()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
