"""Losses of classification scores and their gradients, one sample and one class at a time.

`scores` are N rows of C numbers, `labels` N integers in [0, C). Losses are means over the samples.
"""

import math

from reference.lists import zeros_like


def svm_loss(scores, labels, margin=1.0):
    """Multiclass hinge loss: mean over i of Σ_{j≠y_i} max(0, (s_ij − s_iy) + margin).

    >>> round(svm_loss([[3.2, 5.1, -1.7], [1.3, 4.9, 2.0], [2.2, 2.5, -3.1]], [0, 1, 2]), 4)
    5.2667
    """
    total = 0.0
    for i in range(len(scores)):
        correct = scores[i][labels[i]]
        for j in range(len(scores[i])):
            if j != labels[i]:
                total += max((scores[i][j] - correct) + margin, 0.0)  # keeps a NaN
    return total / len(scores)


def softmax_loss(scores, labels):
    """Cross-entropy of the softmax: mean over i of log Σ_j exp(s_ij) − s_iy, in nats.

    >>> round(softmax_loss([[3.2, 5.1, -1.7], [1.3, 4.9, 2.0], [2.2, 2.5, -3.1]], [0, 1, 2]), 4)
    2.7587
    """
    total = 0.0
    for i in range(len(scores)):
        largest = max(scores[i])  # subtracted first, so that no exp overflows
        exps = 0.0
        for j in range(len(scores[i])):
            exps += math.exp(scores[i][j] - largest)
        total += math.log(exps) - (scores[i][labels[i]] - largest)
    return total / len(scores)


def softmax(scores):
    """Probabilities exp(s_ij) / Σ_k exp(s_ik), as N rows of C.

    >>> softmax([[0.0, 0.0]])
    [[0.5, 0.5]]
    """
    probabilities = zeros_like(scores)
    for i in range(len(scores)):
        largest = max(scores[i])
        exps = 0.0
        for j in range(len(scores[i])):
            probabilities[i][j] = math.exp(scores[i][j] - largest)
            exps += probabilities[i][j]
        for j in range(len(scores[i])):
            probabilities[i][j] /= exps
    return probabilities


def log_softmax(scores):
    """Logarithms of the softmax, (s_ij − m_i) − log Σ_k exp(s_ik − m_i) with m_i the row's maximum.

    >>> [round(value, 4) for value in log_softmax([[0.0, 0.0]])[0]]
    [-0.6931, -0.6931]
    """
    logarithms = zeros_like(scores)
    for i in range(len(scores)):
        largest = max(scores[i])
        exps = 0.0
        for j in range(len(scores[i])):
            exps += math.exp(scores[i][j] - largest)
        log_exps = math.log(exps)
        for j in range(len(scores[i])):
            logarithms[i][j] = (scores[i][j] - largest) - log_exps
    return logarithms


def svm_loss_gradient(scores, labels, margin=1.0):
    """Return the hinge loss and its derivative by each score.

    Each term above 0 adds 1/N to the derivative of its class and −1/N to the label's. If the loss
    of a row is NaN, so is its gradient.

    >>> svm_loss_gradient([[0.0, 0.5]], [0])
    (1.5, [[-1.0, 1.0]])
    """
    dscores = zeros_like(scores)
    total = 0.0
    for i in range(len(scores)):
        correct = scores[i][labels[i]]
        loss, active = 0.0, 0
        for j in range(len(scores[i])):
            if j != labels[i]:
                term = max((scores[i][j] - correct) + margin, 0.0)
                loss += term
                if term > 0.0:
                    dscores[i][j] = 1.0 / len(scores)
                    active += 1
        dscores[i][labels[i]] = -active / len(scores)
        if math.isnan(loss):
            for j in range(len(scores[i])):
                dscores[i][j] = math.nan
        total += loss
    return total / len(scores), dscores


def softmax_loss_gradient(scores, labels):
    """Return the softmax loss and its derivative by each score, (p_ij − [j = y_i]) / N.

    >>> softmax_loss_gradient([[0.0, 0.0]], [0])[1]
    [[-0.5, 0.5]]
    """
    dscores = zeros_like(scores)
    total = 0.0
    for i in range(len(scores)):
        largest = max(scores[i])
        exps = 0.0
        for j in range(len(scores[i])):
            dscores[i][j] = math.exp(scores[i][j] - largest)
            exps += dscores[i][j]
        for j in range(len(scores[i])):
            dscores[i][j] /= exps * len(scores)
        dscores[i][labels[i]] -= 1.0 / len(scores)
        total += math.log(exps) - (scores[i][labels[i]] - largest)
    return total / len(scores), dscores
