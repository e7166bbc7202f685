"""The built-in problems, as a plain tuple in the order in which they are shown."""

from bench.model import Problem
from bench.problems.descent import DESCENT
from bench.problems.exponential import EXPONENTIAL
from bench.problems.gradients import GRADIENTS
from bench.problems.linear import LINEAR
from bench.problems.losses import LOSSES

PROBLEMS: tuple[Problem, ...] = (*LOSSES, *GRADIENTS, *DESCENT, *LINEAR, *EXPONENTIAL)

__all__ = ["PROBLEMS"]
