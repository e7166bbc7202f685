"""Tools that know no benchmark: files, choices, numbers in words, threads, the project's own code.

`files` writes so that nothing is lost in a crash, `choices` reads a user's comma-separated names,
`format` prints seconds and ratios, `threads` sets thread counts, `encoding` writes to any terminal,
`code` knows where the project's code is and its digest.
"""
