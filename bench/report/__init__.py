"""Stage 5, report: the table in words and pictures.

A table goes in; out come a view for the terminal (`terminal`), Markdown, CSV and JSON (`text`), an
HTML page (`page`) with `pictures`, and a view for notebooks (`notebook`). These share their words
for cells and speed-ups (`words`). `comparison` shows two runs, `costs` a sweep and compile costs.
"""
