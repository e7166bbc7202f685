"""Stage 3, measurement: how fast each version is.

Cells go in; out come records, one per cell and pass, each written to disk at once. `passes` runs
the workers: `judging_worker` for agreement, then pytest-benchmark sessions of several passes
(`bench/test_speed.py`, with `bench/conftest.py` beside it). `schedule` decides which cells a pass
times, and which passes a worker makes. `records` and `run_folder` store the results, `machine` and
`conditions` describe the machine and its load. `costs` measures the machine's limits, compiling and
memory.
"""
