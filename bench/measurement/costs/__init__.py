"""What a run measures besides the times of its cells.

`floors` is about the machine's bandwidths and rate of exps, `compiling` about the first calls of
jitted kernels, `memory` about the temporary bytes of a call: which cells, and what was found.
`measure` runs the workers `time_floors` and `time_compiling`, both under pytest-benchmark; the
memory is measured by the worker that judges. `Costs` holds the results for analysis.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.measurement.costs import compiling, floors, memory
from bench.measurement.costs.compiling import Compiling
from bench.measurement.costs.floors import NOT_MEASURED, Floors
from bench.model import Cell


@dataclass(frozen=True)
class Costs:
    """What a run measured besides the times of its cells.

    Attributes
    ----------
    floors : Floors
        The best that its machine can do.
    compiling : sequence of Compiling
        What the first calls of its jitted kernels cost.
    temporary_bytes : mapping of Cell to bytes
        Memory that a call needs besides its arguments and its result: exact for the loops and
        NumPy, to `memory.RESOLUTION` for all others.
    """

    floors: Floors = NOT_MEASURED
    compiling: Sequence[Compiling] = ()
    temporary_bytes: Mapping[Cell, int] = field(default_factory=dict)

    @classmethod
    def load(cls, folder: Path) -> "Costs":
        """Return the costs in the folder of a run.

        Raises
        ------
        ValueError
            A file holds something else.
        """
        return cls(floors.load(folder), compiling.load(folder), memory.load(folder))
