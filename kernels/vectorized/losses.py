"""Losses of classification scores and their gradients, as whole-array NumPy.

`scores` are (N, C) float, `labels` (N,) integers in [0, C). Losses are means over the N samples.
"""

import numpy as np


def svm_loss(scores, labels, margin=1.0):
    """Multiclass hinge loss: mean over i of Σ_{j≠y_i} max(0, (s_ij − s_iy) + margin).

    >>> scores = np.array([[3.2, 5.1, -1.7], [1.3, 4.9, 2.0], [2.2, 2.5, -3.1]])
    >>> round(svm_loss(scores, np.array([0, 1, 2])), 4)
    5.2667
    """
    rows = np.arange(len(labels))
    terms = np.maximum((scores - scores[rows, labels, np.newaxis]) + margin, 0.0)
    terms[rows, labels] = 0.0
    return float(terms.sum() / len(labels))


def softmax_loss(scores, labels):
    """Cross-entropy of the softmax: mean over i of log Σ_j exp(s_ij) − s_iy, in nats.

    >>> scores = np.array([[3.2, 5.1, -1.7], [1.3, 4.9, 2.0], [2.2, 2.5, -3.1]])
    >>> round(softmax_loss(scores, np.array([0, 1, 2])), 4)
    2.7587
    """
    shifted = scores - scores.max(axis=1, keepdims=True)  # so that no exp overflows
    log_totals = np.log(np.exp(shifted).sum(axis=1))
    return float((log_totals - shifted[np.arange(len(labels)), labels]).mean())


def softmax(scores):
    """Probabilities exp(s_ij) / Σ_k exp(s_ik), (N, C).

    >>> softmax(np.array([[0.0, 0.0]]))
    array([[0.5, 0.5]])
    """
    exps = np.exp(scores - scores.max(axis=1, keepdims=True))
    return exps / exps.sum(axis=1, keepdims=True)


def log_softmax(scores):
    """Logarithms of the softmax, (s_ij − m_i) − log Σ_k exp(s_ik − m_i) with m_i the row's maximum.

    >>> log_softmax(np.array([[0.0, 0.0]])).round(4)
    array([[-0.6931, -0.6931]])
    """
    shifted = scores - scores.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def svm_loss_gradient(scores, labels, margin=1.0):
    """Return the hinge loss and its derivative by each score.

    Each term above 0 adds 1/N to the derivative of its class and −1/N to the label's. If the loss
    of a row is NaN, so is its gradient.

    >>> svm_loss_gradient(np.array([[0.0, 0.5]]), np.array([0]))
    (1.5, array([[-1.,  1.]]))
    """
    rows = np.arange(len(labels))
    terms = np.maximum((scores - scores[rows, labels, np.newaxis]) + margin, 0.0)
    terms[rows, labels] = 0.0
    losses = terms.sum(axis=1)
    dscores = (terms > 0.0).astype(scores.dtype)
    dscores[rows, labels] = -dscores.sum(axis=1)
    dscores[np.isnan(losses)] = np.nan
    return float(losses.mean()), dscores / len(labels)


def softmax_loss_gradient(scores, labels):
    """Return the softmax loss and its derivative by each score, (p_ij − [j = y_i]) / N.

    >>> softmax_loss_gradient(np.array([[0.0, 0.0]]), np.array([0]))[1]
    array([[-0.5,  0.5]])
    """
    rows = np.arange(len(labels))
    shifted = scores - scores.max(axis=1, keepdims=True)
    exps = np.exp(shifted)
    totals = exps.sum(axis=1, keepdims=True)
    loss = (np.log(totals[:, 0]) - shifted[rows, labels]).mean()
    dscores = exps / totals
    dscores[rows, labels] -= 1.0
    return float(loss), dscores / len(labels)
