"""Why a loop is fast or not: what LLVM, Numba's types, the assembly and the source say of it.

`compile_worker` compiles a tier in a process of its own and writes what they say; `explain` starts
it. `remarks` reads LLVM's remarks and has the table of those that are known, `assembly` reads the
loops of the code, `typed` the types, `source` the loops as they are written. `places` finds which
belong to each other, and `findings` says what was found. `remedies` changes the source, for
`lossbench explain --try`.
"""
