"""Tools that know nothing of benchmarks: files, user input, formatting, threads, code.

`files` writes so that nothing is lost in a crash, `choices` parses a user's comma-separated names,
`format` prints seconds and ratios, `threads` sets thread counts, `encoding` prints to any terminal,
`code` finds the project's code and its digest.
"""
