"""Compare two runs cell by cell: which cells became significantly slower or faster."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from bench.analysis.columns import IDENTITY, pass_medians
from bench.analysis.fleet import HOST
from bench.analysis.noise import SPREAD, quickest
from bench.model import WRONG

ALPHA = 0.01
MIN_EFFECT = 0.05
# Times that are trusted in both runs differ if their quickest passes are further apart than this.
# In simulated runs of 14 passes it happens to the same code in at most 1 of 5,000 cells, if other
# work disturbs half of the passes; at 10 % in as many, but with random noise of 10 % in 1 of 200.
APART = 0.15
# SciPy's exact distribution takes milliseconds for this many pairs of passes, and a minute for 200
# passes against 200, where the normal approximation is as good.
EXACT_PAIRS = 2500

# "untested": too few passes for any p-value that could be significant. "not judged": the machines,
# the libraries or the cell's inputs differ, and may have caused the ratio.
FINDINGS = ("slower", "faster", "same", "untested", "not judged")

_IDENTITY = list(IDENTITY)
# Times are compared only if these are equal in both runs, as a size of one name may have changed.
WORK = ("n", "d", "c", "flops", "bytes_moved")
# The passes of the old and of the new run, in logarithms.
_Samples = tuple[NDArray[np.float64], NDArray[np.float64]]


@dataclass(frozen=True)
class Comparison:
    """The result of comparing two runs.

    Attributes
    ----------
    cells : DataFrame
        One row per cell that has a time in both: its identity; ``old_s`` and ``new_s``, the times
        (the medians of the quickest passes' medians); ``ratio``, new over old; ``p_value``,
        of Mann and Whitney, corrected, NaN if it was not tested; ``finding``, one of `FINDINGS`.
    statuses : DataFrame
        One row per cell whose status changed: its identity, ``status_old``, ``status_new``,
        ``message_new``.
    only_old, only_new : int
        The number of cells that the other run lacks.
    differences : tuple of str
        Differences between the machines and libraries; with any, nothing is judged.
    min_effect : float
        The relative change up to which a cell counts as the same.
    """

    cells: pd.DataFrame
    statuses: pd.DataFrame
    only_old: int
    only_new: int
    differences: tuple[str, ...]
    min_effect: float

    def count(self, finding: str) -> int:
        """Return the number of cells with a finding."""
        return int((self.cells["finding"] == finding).sum())


def compare(
    old: pd.DataFrame,
    new: pd.DataFrame,
    differences: Sequence[str] = (),
    min_effect: float = MIN_EFFECT,
) -> Comparison:
    """Compare two tables cell by cell.

    The samples are the passes: each timed the cells in a different order and gives one number per
    cell, the median of its rounds. Seven share a process, which explains little of how they differ
    (docs/statistics.md). The rounds of a pass are not independent (they share the few milliseconds
    in which they were timed), and are never counted as samples.

    Each cell is tested twice by Mann–Whitney, one-sided: whether the new passes divided by
    (1 + `min_effect`) still tend to be longer than the old ones, and whether multiplied by it they
    still tend to be shorter; twice the smaller p-value counts. So a change is reported only if it
    is significantly *more* than the smallest effect, not merely more than nothing: a machine that
    is a few per cent slower today is no regression. The ratio is the estimate that belongs to this
    test, by Hodges and Lehmann: the median of new_j / old_i over all pairs of passes, in
    logarithms.

    Other work beside one of the runs slows many of its passes, and would be significant. So a cell
    counts as changed only if its three quickest passes (`noise.quickest`) in one run are all slower
    than those in the other by more than the smallest effect. Beside bursts of other work in both
    runs, no test over all passes finds a single cell among many. So it counts as changed, too, if
    these passes agree within each run (`SPREAD`), and are further apart than `APART`.

    The p-values of all cells are corrected by Benjamini and Hochberg, and `ALPHA` holds for the
    whole comparison: if nothing changed, it bounds the chance that any cell is reported; if cells
    did change, it bounds the expected share of false reports. Holm's correction would also bound
    the chance of a single false report then. But one change of the code often affects many cells,
    and few passes give coarse p-values: Holm would demand nearly as much evidence for each of these
    cells as if it were the only one. Cells with too few passes for any p-value that could be
    significant are set aside first (Gilbert's reduction, by Tarone's count), so that the others
    lose no power.

    Parameters
    ----------
    old, new : DataFrame
        Tables as `bench.load` returns them.
    differences : sequence of str
        Differences between the machines or libraries (`differences_of`). If there is any, ratios
        are given but nothing is tested.
    min_effect : float
        At least 0; 0.05 is 5 %.

    Returns
    -------
    Comparison
        Cells in the order of the new table.

    Raises
    ------
    ValueError
        A table has several hosts, or a cell twice; `min_effect` is negative or not finite.

    References
    ----------
    H. B. Mann, D. R. Whitney, Ann. Math. Statist. 18 (1947); J. L. Hodges, E. L. Lehmann, Ann.
    Math. Statist. 34 (1963); Y. Benjamini, Y. Hochberg, J. R. Statist. Soc. B 57 (1995);
    R. E. Tarone, Biometrics 46 (1990); P. B. Gilbert, Appl. Statist. 54 (2005).
    """
    if not 0.0 <= min_effect < math.inf:
        raise ValueError(f"the smallest effect has to be at least 0, not {min_effect:g}")
    old_cells, new_cells = _plain(old, "old"), _plain(new, "new")
    both = new_cells.merge(old_cells, on=_IDENTITY, suffixes=("_new", "_old"))
    both["same_work"] = _same_work(both)
    samples = [
        (_sample(before), _sample(after))
        for before, after in both[["pass_medians_s_old", "pass_medians_s_new"]].to_numpy()
    ]
    timed = np.array([bool(len(a) and len(b)) for a, b in samples], dtype=bool)
    pairs = [pair for pair, is_timed in zip(samples, timed, strict=True) if is_timed]
    cells = both.loc[timed, _IDENTITY].assign(
        old_s=[math.exp(np.median(_quickest(before))) for before, _ in pairs],
        new_s=[math.exp(np.median(_quickest(after))) for _, after in pairs],
        ratio=[math.exp(np.median(np.subtract.outer(after, before))) for before, after in pairs],
    )
    tested = both.loc[timed, "same_work"].to_numpy(bool) & (not differences)
    p_values = np.full(len(pairs), math.nan)
    p_values[tested] = _corrected(
        [pair for pair, is_tested in zip(pairs, tested, strict=True) if is_tested], min_effect
    )
    findings = [
        _finding(p_value, pair, min_effect) if is_tested else "not judged"
        for p_value, pair, is_tested in zip(p_values, pairs, tested, strict=True)
    ]
    changed = both.loc[both["status_old"] != both["status_new"]]
    return Comparison(
        cells=cells.assign(p_value=p_values, finding=findings).reset_index(drop=True),
        statuses=changed[[*_IDENTITY, "status_old", "status_new", "message_new"]].reset_index(
            drop=True
        ),
        only_old=len(old_cells) - len(both),
        only_new=len(new_cells) - len(both),
        differences=tuple(differences),
        min_effect=min_effect,
    )


def _plain(frame: pd.DataFrame, which: str) -> pd.DataFrame:
    """Return what is compared; with strings, because two runs have different categories."""
    if HOST in frame and frame[HOST].nunique() > 1:
        raise ValueError(f"the {which} run has several hosts: compare the folder of one host's run")
    plain = frame[[*_IDENTITY, "status", "message", "pass_medians_s", *WORK]]
    plain = plain.astype({name: str for name in plain.columns if name not in {"threads", *WORK}})
    for again in plain.loc[plain.duplicated(_IDENTITY), _IDENTITY].itertuples(index=False):
        raise ValueError(f"the {which} run has a cell twice: {' '.join(map(str, again))}")
    return plain


def _same_work(both: pd.DataFrame) -> pd.Series:
    """Return for each cell whether its inputs have the same size in both runs, where known."""
    same = pd.Series(data=True, index=both.index)
    for name in WORK:
        old, new = both[f"{name}_old"], both[f"{name}_new"]
        same &= (old == new).fillna(value=False) | old.isna() | new.isna()
    return same


def _sample(text: str) -> NDArray[np.float64]:
    """Return the logarithms of the passes' medians."""
    medians = pass_medians(text)
    return np.log(medians[~np.isnan(medians)])


def _quickest(sample: NDArray[np.float64]) -> NDArray[np.float64]:
    return sample[quickest(list(sample))]


def _finding(p_value: float, pair: _Samples, min_effect: float) -> str:
    if math.isnan(p_value):
        return "untested"
    before, after = map(_quickest, pair)
    slower_by, faster_by = after.min() - before.max(), before.min() - after.max()
    apart = max(slower_by, faster_by)
    steady = max(np.ptp(before), np.ptp(after)) <= math.log1p(SPREAD)
    shown = p_value <= ALPHA or (steady and apart > math.log1p(APART))
    if not shown or apart <= math.log1p(min_effect):
        return "same"
    return "slower" if slower_by > faster_by else "faster"


def is_worse(comparison: Comparison, ratio: float) -> bool:
    """Return whether a cell is significantly slower, by more than `ratio`, or no longer agrees."""
    cells, statuses = comparison.cells, comparison.statuses
    slower = (cells["finding"] == "slower") & (cells["ratio"] > ratio)
    wrong = (statuses["status_old"] == "ok") & statuses["status_new"].isin(list(WRONG))
    return bool(slower.any() or wrong.any())


# --- p-values


def _corrected(pairs: Sequence[_Samples], min_effect: float) -> NDArray[np.float64]:
    """Return the corrected p-value of each pair of samples; NaN for those that are set aside."""
    testable = _testable([_smallest_p_value(len(before), len(after)) for before, after in pairs])
    corrected = np.full(len(pairs), math.nan)
    if testable:
        found = _p_values([pairs[i] for i in testable], math.log1p(min_effect))
        corrected[testable] = stats.false_discovery_control(found, method="bh")
    return corrected


def _p_values(pairs: Sequence[_Samples], margin: float) -> NDArray[np.float64]:
    """Return the p-value of each pair before correction; pairs of equal sizes are batched."""
    found = np.empty(len(pairs))
    sizes = [(len(before), len(after)) for before, after in pairs]
    for size in dict.fromkeys(sizes):
        alike = [i for i, its_size in enumerate(sizes) if its_size == size]
        before, after = (np.array([pairs[i][which] for i in alike]) for which in (0, 1))
        how: Any = {
            "axis": 1,
            "method": "exact" if math.prod(size) <= EXACT_PAIRS else "asymptotic",
        }
        slower = stats.mannwhitneyu(after - margin, before, alternative="greater", **how).pvalue
        faster = stats.mannwhitneyu(after + margin, before, alternative="less", **how).pvalue
        found[alike] = np.minimum(1.0, 2.0 * np.minimum(slower, faster))
    return found


def _smallest_p_value(old: int, new: int) -> float:
    """Return the two-sided p-value of samples of these sizes that do not overlap."""
    return 2 / math.comb(old + new, new)


def _testable(smallest: Sequence[float]) -> list[int]:
    """Return the tests that can reach α/k.

    k is Tarone's count: the smallest for which at most k tests can reach α/k.
    """
    k = 1
    while sum(one <= ALPHA / k for one in smallest) > k:
        k += 1
    return [i for i, one in enumerate(smallest) if one <= ALPHA / k]
