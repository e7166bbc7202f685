"""Worker processes judge and time cells, so that a crash or a hang costs one cell.

A `job` goes in: cells and options, written to a scratch folder. `spawn` starts a process for it,
`lifeline` ends that process with its parent, and `watchdog` logs each step and kills the process if
a step takes too long. Out comes how the worker ended, as `diagnosis` explains it. `signals` raises
Ctrl-C, SIGTERM and SIGHUP as an exception in the parent. `processes` has what differs between
systems: how processes are interrupted and killed.

This module imports nothing, as every worker imports it first.
"""
