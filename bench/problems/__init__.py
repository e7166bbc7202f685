"""Stage 1, problems: what is compared, and on which inputs.

Names from the command line, or a user's file, go in; out come problems (`model.Problem`: versions,
inputs, tolerances, cost) and the cells to measure. `builtin` has the suite's own problems, `peers`
other libraries as further tiers. `user_file` makes a problem of a user's file: `user_source` runs
it, `user_file_checks` and `near_misses` check it, `template` shows what it may contain. `selection`
turns names into cells. `texts` finds the source of each version. `lecture` computes the examples of
the blog post that the project started from, whose numbers are the size `lecture`.
"""
