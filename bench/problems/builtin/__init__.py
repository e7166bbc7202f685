"""List the built-in problems, in the order in which they are shown."""

from bench.model import Problem
from bench.problems.builtin.descent import DESCENT
from bench.problems.builtin.exponential import EXPONENTIAL
from bench.problems.builtin.gradients import GRADIENTS
from bench.problems.builtin.linear import LINEAR
from bench.problems.builtin.losses import LOSSES

PROBLEMS: tuple[Problem, ...] = (*LOSSES, *GRADIENTS, *DESCENT, *LINEAR, *EXPONENTIAL)

__all__ = ["PROBLEMS"]
