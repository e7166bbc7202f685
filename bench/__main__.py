"""`python -m bench` is `lossbench`."""

from bench.cli import main

main()
