"""A Windows job: its processes, and what they start, end when its handle is closed.

The system closes it when this process ends, however it ends.

Source: learn.microsoft.com, "Job Objects" and JOBOBJECT_EXTENDED_LIMIT_INFORMATION.
"""

import ctypes
import subprocess
import sys

KILL_ON_JOB_CLOSE = 0x2000
# In the list of what SetInformationJobObject sets.
EXTENDED_LIMITS = 9


class ExtendedLimits(ctypes.Structure):
    """JOBOBJECT_EXTENDED_LIMIT_INFORMATION, of which only the flags are used."""

    _fields_ = (
        ("times", ctypes.c_int64 * 2),
        ("flags", ctypes.c_uint32),
        ("working_set", ctypes.c_size_t * 2),
        ("processes", ctypes.c_uint32),
        ("affinity", ctypes.c_size_t),
        ("priorities", ctypes.c_uint32 * 2),
        ("transfers", ctypes.c_uint64 * 6),
        ("memory", ctypes.c_size_t * 4),
    )


def hold(child: "subprocess.Popen[bytes]") -> ctypes.c_void_p | None:
    """Put a child into a job of its own, and return the job; None on other systems.

    What a call returns is not checked: without a job, `processes` kills what it can list.
    """
    if sys.platform != "win32":
        return None
    kernel32 = ctypes.WinDLL("kernel32")
    kernel32.CreateJobObjectW.restype = ctypes.c_void_p
    job = ctypes.c_void_p(kernel32.CreateJobObjectW(None, None))
    limits = ExtendedLimits(flags=KILL_ON_JOB_CLOSE)
    kernel32.SetInformationJobObject(
        job, EXTENDED_LIMITS, ctypes.byref(limits), ctypes.sizeof(limits)
    )
    its_handle = ctypes.c_void_p(int(vars(child)["_handle"]))
    kernel32.AssignProcessToJobObject(job, its_handle)
    return job


def end(job: ctypes.c_void_p | None) -> None:
    """Kill the processes of a job."""
    if sys.platform == "win32" and job is not None:
        ctypes.WinDLL("kernel32").CloseHandle(job)
