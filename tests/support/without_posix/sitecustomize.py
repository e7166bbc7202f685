"""Take away what Windows lacks: every Python that has this folder on its path loads this first.

Simulated are modules, functions, signals and how a process is started, interrupted and killed; not
locks that keep others from reading, jobs, paths, or the clock of CPU time.
"""

import os
import signal
import subprocess
import sys

# These have ways of their own on Windows, and get what they need here.
import filelock  # noqa: F401
import psutil

KILL, BREAK, kill_group = signal.SIGKILL, signal.SIGUSR1, os.killpg

for name in ("fcntl", "resource"):
    sys.modules[name] = None
for name in ("killpg", "getpgrp", "getpgid", "setsid", "sched_getaffinity"):
    delattr(os, name)
for name in ("SIGKILL", "SIGHUP", "SIGUSR1", "SIGALRM"):
    delattr(signal, name)
signal.SIGBREAK, signal.CTRL_C_EVENT, signal.CTRL_BREAK_EVENT = BREAK, 0, 1
subprocess.CREATE_NEW_PROCESS_GROUP = 0x200


class Popen(subprocess.Popen):
    """As on Windows: groups by a flag, and no signal but Ctrl-Break that a child can catch."""

    def __init__(self, *arguments, start_new_session=False, creationflags=0, **options):
        del start_new_session
        in_a_group = bool(creationflags & subprocess.CREATE_NEW_PROCESS_GROUP)
        super().__init__(*arguments, start_new_session=in_a_group, **options)

    def send_signal(self, number):
        if number == signal.SIGTERM:
            self.terminate()
        elif number != signal.CTRL_BREAK_EVENT:
            raise ValueError(f"Unsupported signal: {number}")
        elif self.poll() is None:
            kill_group(self.pid, BREAK)

    def terminate(self):
        if self.poll() is None:
            os.kill(self.pid, KILL)

    kill = terminate


subprocess.Popen = Popen
psutil.Process.kill = lambda process: os.kill(process.pid, KILL)
