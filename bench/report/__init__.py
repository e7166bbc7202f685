"""Stage 5, report: the table in words and pictures.

A table goes in; out come a view for the terminal (`terminal`), Markdown, CSV and JSON (`text`), an
HTML page (`page`) with `pictures`, and a view for notebooks (`notebook`). All take their words from
`words`. `comparison` and `costs` show two runs, a sweep, and what compiling costs.
"""
