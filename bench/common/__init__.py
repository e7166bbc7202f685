"""General tools: files, user input, formatting, threads, code.

`files` writes so that nothing is lost in a crash, `choices` parses a user's comma-separated names,
`format` formats seconds and ratios, `threads` sets thread counts, `encoding` prints to any
terminal, `code` tells whether the project's code has changed, `kernels_package` whether `kernels`
is ours.
"""
