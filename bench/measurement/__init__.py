"""Stage 3, measurement: how fast each version is.

Cells go in; out come records, one per cell and pass, each on disk as soon as it is there. `passes`
runs the workers: `judging_worker` for agreement, then one pytest-benchmark session per pass
(`bench/test_speed.py`, with `bench/conftest.py` beside it). `schedule` says which cells a pass
times, `records` and `run_folder` keep what is found, `machine` and `conditions` describe where and
under which load it was found. `costs` measures the machine's limits, compiling and memory.
"""
