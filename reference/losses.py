"""Losses of classification scores and their gradients, a sample and a class at a time.

`scores` are N rows of C numbers, `labels` N integers in [0, C). Losses are means over the samples.
What is accepted, and the words of an error, is left to `_check`.
"""

import math

from reference import _check


def svm_loss(scores, labels, margin=1.0):
    """Multiclass hinge loss: mean over i of Σ_{j≠y_i} max(0, (s_ij − s_iy) + margin).

    >>> round(svm_loss([[3.2, 5.1, -1.7], [1.3, 4.9, 2.0], [2.2, 2.5, -3.1]], [0, 1, 2]), 4)
    5.2667
    """
    rows, labels = _check.scores_and_labels("svm_loss", scores, labels)
    margin = _check.at_least_zero("svm_loss", "margin", margin)
    return mean_svm_loss(rows, labels, margin)


def mean_svm_loss(rows, labels, margin):
    """`svm_loss` of rows that were checked."""
    total = 0.0
    for row, label in zip(rows, labels, strict=True):
        total += hinge(row, label, margin)
    return total / len(rows)


def hinge(row, label, margin):
    """Sum over the wrong classes of what their scores lack to being `margin` below the label's."""
    if has_nan(row):
        return math.nan
    loss = 0.0
    for j in range(len(row)):
        if j != label:
            excess = (row[j] - row[label]) + margin
            if not excess <= 0.0:  # so written, a NaN (inf − inf) is added too
                loss += excess
    return loss


def has_nan(row):
    """Whether any number of the row is NaN."""
    return any(math.isnan(value) for value in row)


def softmax_loss(scores, labels):
    """Cross-entropy of the softmax: mean over i of logsumexp(s_i) − s_iy, in nats.

    >>> round(softmax_loss([[3.2, 5.1, -1.7], [1.3, 4.9, 2.0], [2.2, 2.5, -3.1]], [0, 1, 2]), 4)
    2.7587
    """
    rows, labels = _check.scores_and_labels("softmax_loss", scores, labels)
    return mean_softmax_loss(rows, labels)


def mean_softmax_loss(rows, labels):
    """`softmax_loss` of rows that were checked."""
    total = 0.0
    for row, label in zip(rows, labels, strict=True):
        total -= log_probabilities(row)[label]
    return total / len(rows)


def softmax(scores):
    """Probabilities exp(s_ij) / Σ_k exp(s_ik), as N rows of C.

    >>> softmax([[0.0, 0.0]])
    [[0.5, 0.5]]
    """
    rows = _check.score_rows("softmax", scores)
    return [probabilities(row) for row in rows]


def probabilities(row):
    """Softmax of one row. The largest score is taken off first, so that no exp overflows."""
    largest = max(row)
    exps = [math.exp(score - largest) for score in row]
    total = sum(exps)
    return [value / total for value in exps]


def log_softmax(scores):
    """Logarithms of the softmax, (s_ij − m_i) − log Σ_k exp(s_ik − m_i) with m_i the row's maximum.

    >>> [round(value, 4) for value in log_softmax([[0.0, 0.0]])[0]]
    [-0.6931, -0.6931]
    """
    rows = _check.score_rows("log_softmax", scores)
    return [log_probabilities(row) for row in rows]


def log_probabilities(row):
    """Log-softmax of one row."""
    largest = max(row)
    total = 0.0
    for score in row:
        total += math.exp(score - largest)
    log_total = math.log(total)
    return [(score - largest) - log_total for score in row]


def svm_loss_gradient(scores, labels, margin=1.0):
    """Return the hinge loss and its derivative by each score.

    Each active margin pulls its class down by 1/N and the label's class up by 1/N. A margin of
    exactly 0 counts as inactive. A row whose loss is NaN has a gradient of NaN.

    >>> svm_loss_gradient([[0.0, 0.5]], [0])
    (1.5, [[-1.0, 1.0]])
    """
    rows, labels = _check.scores_and_labels("svm_loss_gradient", scores, labels)
    margin = _check.at_least_zero("svm_loss_gradient", "margin", margin)
    return mean_svm_loss_gradient(rows, labels, margin)


def mean_svm_loss_gradient(rows, labels, margin):
    """`svm_loss_gradient` of rows that were checked."""
    total = 0.0
    dscores = []
    for row, label in zip(rows, labels, strict=True):
        loss = hinge(row, label, margin)
        total += loss
        if math.isnan(loss):
            dscores.append([math.nan] * len(row))
        else:
            dscores.append(hinge_gradient(row, label, margin, len(rows)))
    return total / len(rows), dscores


def hinge_gradient(row, label, margin, samples):
    """Derivative of one row's hinge loss by each of its scores, over the number of samples."""
    drow = [0.0] * len(row)
    active = 0
    for j in range(len(row)):
        if j != label and (row[j] - row[label]) + margin > 0.0:
            drow[j] = 1.0 / samples
            active += 1
    drow[label] = -active / samples
    return drow


def softmax_loss_gradient(scores, labels):
    """Return the softmax loss and its derivative by each score, (p_ij − [j = y_i]) / N.

    >>> softmax_loss_gradient([[0.0, 0.0]], [0])[1]
    [[-0.5, 0.5]]
    """
    rows, labels = _check.scores_and_labels("softmax_loss_gradient", scores, labels)
    return mean_softmax_loss_gradient(rows, labels)


def mean_softmax_loss_gradient(rows, labels):
    """`softmax_loss_gradient` of rows that were checked."""
    total = 0.0
    dscores = []
    for row, label in zip(rows, labels, strict=True):
        total -= log_probabilities(row)[label]
        drow = probabilities(row)
        drow[label] -= 1.0
        dscores.append([value / len(rows) for value in drow])
    return total / len(rows), dscores
