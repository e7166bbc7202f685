"""Stage 4, analysis: what the records say.

Records go in; out comes a pandas table with one row per cell. `columns` defines it, `table` builds
it, `csv_file` stores and reads it. `ratios` has speed-ups with their intervals, `noise` the reasons
not to trust a cell, `sweep` where one tier passes another, `comparison` what changed between two
runs.
"""
