"""Stage 4, analysis: from records to a table.

Records go in; out comes a pandas table with one row per cell. `columns` defines it, `table` builds
it, `csv_file` and `parquet_file` store and read it, `runs` joins those of many runs. `ratios`
computes speed-ups with their intervals, `noise` finds times that are too noisy to trust, `sweep`
finds where one tier passes another, `comparison` what changed between two runs, and
`history` over many.
"""
