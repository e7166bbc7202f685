"""Stage 2, agreement: whether each version is right. One that disagrees is never timed.

A problem and some of its cells go in; out comes a verdict for each (`check`). A tier has to agree
on the hard inputs (`hard_inputs`; a peer may differ on NaN and infinities), then on the inputs that
are timed, or on a sample of them. The next stage runs this one in a worker. `calls` calls a tier
and refuses it for what it does wrong, `given` makes the arguments of each call, `results` reads
what a call returned, `closeness` compares it with what the oracle returned, `values` copies and
compares arguments, `uncached` times the compiling that each worker will repeat.
"""
