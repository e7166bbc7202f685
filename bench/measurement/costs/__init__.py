"""What a run measures beside the times of its cells, each by a worker of its own.

`floors` measures the machine's bandwidths and its rate of exps, `compiling` what the first calls of
jitted kernels cost, `memory` the temporary bytes of a call. `Costs` is what analysis takes of them.
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
    """What a run measured beside the times of its cells.

    Attributes
    ----------
    floors : Floors
        What its machine can do at best.
    compiling : sequence of Compiling
        What the first calls of its jitted kernels take.
    temporary_bytes : mapping of Cell to bytes
        What a call takes in memory beside its arguments and its result.
    """

    floors: Floors = NOT_MEASURED
    compiling: Sequence[Compiling] = ()
    temporary_bytes: Mapping[Cell, int] = field(default_factory=dict)

    @classmethod
    def load(cls, folder: Path) -> "Costs":
        """Return what the folder of a run holds of them.

        Raises
        ------
        ValueError
            A file that holds something else.
        """
        return cls(floors.load(folder), compiling.load(folder), memory.load(folder))
