"""Kernels of the losses: each checks the values, then takes the rows in blocks.

A block function computes some rows, and chooses how: row by row (`_rows_hinge`, `_rows_softmax`),
or many short rows at once (`_columns`). The blocks are fixed, and their sums are added in order:
the serial and the parallel kernel give the same bits, at any number of threads.
"""

import math

import numpy as np
from numba import prange, types

from kernels.simd import _columns, _parts_hinge, _rows_hinge, _rows_softmax
from kernels.simd._arrays import least, new_array
from kernels.simd._check_in_kernels import (
    at_least_zero,
    check_count,
    check_labels,
    check_scores,
    labels_fit,
    refuse_labels,
    result_shape,
)
from kernels.simd._layout import is_same_array
from kernels.simd._linking import is_float32
from kernels.simd._ways import COLUMNS, SHORT_ROWS, hinge_known, softmax_known
from kernels.simd.compiler import LABELS, dual_kernel, kernel
from kernels.simd.thresholds import BLOCK_SCORES, HINGE
from kernels.simd.vectors import LINE

MAX_LANES = LINE // 4
"""Rows that `_columns` takes at once in float32; in float64 half as many."""

_short_hinge = _rows_hinge if HINGE.masks else _parts_hinge
"""Not chosen when a kernel runs: a jitted caller would compile both."""


@kernel
def block_rows(classes):
    """Rows in a block. They depend on the shape only, so sums do not depend on threads.

    A multiple of the rows that `_columns` takes at once, if a block holds that many.
    """
    fitting = BLOCK_SCORES // classes
    if fitting < MAX_LANES:
        return fitting if fitting > 0 else 1
    return fitting - fitting % MAX_LANES


@kernel
def block_count(samples, classes):
    """Number of blocks of the samples."""
    size = block_rows(classes)
    return (samples + size - 1) // size


@kernel
def block_range(block, samples, classes):
    """First row of a block, and the first row after it."""
    size = block_rows(classes)
    return block * size, least((block + 1) * size, samples)


@kernel
def ordered_sum(values):
    """Sum from the first to the last."""
    total = 0.0
    for value in values:
        total += value
    return total


# --- svm_loss


@kernel(known=("way",))
def svm_block(scores, labels, margin, start, stop, way):
    """Sum of the hinge losses of some rows."""
    if way == COLUMNS:
        total = _columns.hinge_losses(scores, labels, margin, start, stop)
    elif way == SHORT_ROWS:
        total = _short_hinge.short_hinge_losses(scores, labels, margin, start, stop)
    else:
        total = _rows_hinge.hinge_losses(scores, labels, margin, start, stop)
    if is_float32(scores) and not total < math.inf:
        return _rows_hinge.float64_hinge_losses(scores, labels, margin, start, stop)
    return total


@dual_kernel(lambda scores, classes: (scores, LABELS, types.float64, hinge_known(scores, classes)))
def svm_loss_kernel(scores, labels, margin, way):
    """`svm_loss` with checks of the values."""
    samples, classes = scores.shape
    check_scores("svm_loss", scores.shape)
    check_count("svm_loss", labels, samples)
    at_least_zero("svm_loss", "margin", margin)
    totals, wrong = new_array(block_count(samples, classes), np.float64), 0
    for block in prange(totals.size):
        start, stop = block_range(block, samples, classes)
        if labels_fit(labels, start, stop, classes):
            totals[block] = svm_block(scores, labels, margin, start, stop, way)
        else:
            wrong += 1
    if wrong:
        refuse_labels("svm_loss", labels, classes)
    return ordered_sum(totals) / samples


# --- softmax_loss


@kernel(known=("way",))
def softmax_loss_block(scores, labels, start, stop, way):
    """Sum of the softmax losses of some rows."""
    if way == COLUMNS:
        return _columns.softmax_losses(scores, labels, start, stop)
    return _rows_softmax.softmax_losses(scores, labels, start, stop)


@dual_kernel(lambda scores, classes: (scores, LABELS, softmax_known(classes)))
def softmax_loss_kernel(scores, labels, way):
    """`softmax_loss` with checks of the values."""
    samples, classes = scores.shape
    check_scores("softmax_loss", scores.shape)
    check_count("softmax_loss", labels, samples)
    totals, wrong = new_array(block_count(samples, classes), np.float64), 0
    for block in prange(totals.size):
        start, stop = block_range(block, samples, classes)
        if labels_fit(labels, start, stop, classes):
            totals[block] = softmax_loss_block(scores, labels, start, stop, way)
        else:
            wrong += 1
    if wrong:
        refuse_labels("softmax_loss", labels, classes)
    return ordered_sum(totals) / samples


# --- softmax


@kernel(known=("way",))
def softmax_block(scores, start, stop, out, way):
    """Fill some rows of `out` with probabilities."""
    if way == COLUMNS:
        _columns.softmax(scores, start, stop, out)
    else:
        _rows_softmax.softmax(scores, start, stop, out)


@dual_kernel(lambda scores, classes: (scores, scores, softmax_known(classes)))
def softmax_kernel(scores, out, way):
    """`softmax` with checks of the values."""
    samples, classes = scores.shape
    check_scores("softmax", scores.shape)
    result_shape("softmax", "out", out.shape, scores.shape)
    for block in prange(block_count(samples, classes)):
        start, stop = block_range(block, samples, classes)
        softmax_block(scores, start, stop, out, way)
    return out


# --- log_softmax


@kernel(known=("way",))
def log_softmax_block(scores, start, stop, out, way):
    """Fill some rows of `out` with logarithms of probabilities."""
    if way == COLUMNS:
        _columns.log_softmax(scores, start, stop, out)
    else:
        _rows_softmax.log_softmax(scores, start, stop, out)


@dual_kernel(lambda scores, classes: (scores, scores, softmax_known(classes)))
def log_softmax_kernel(scores, out, way):
    """`log_softmax` with checks of the values."""
    samples, classes = scores.shape
    check_scores("log_softmax", scores.shape)
    result_shape("log_softmax", "out", out.shape, scores.shape)
    for block in prange(block_count(samples, classes)):
        start, stop = block_range(block, samples, classes)
        log_softmax_block(scores, start, stop, out, way)
    return out


# --- svm_loss_gradient


@kernel(known=("way",))
def svm_gradient_block(scores, labels, margin, weight, start, stop, out, way):
    """Fill some rows of `out` with derivatives times `weight`; return the sum of their losses."""
    wide, in_place = 0.0, is_same_array(scores, out)
    if is_float32(scores) and in_place and _rows_hinge.may_overflow(scores, margin, start, stop):
        wide = _rows_hinge.float64_hinge_losses(
            scores, labels, margin, start, stop
        )  # before they are overwritten
    if way == COLUMNS:
        total = _columns.hinge_gradients(scores, labels, margin, weight, start, stop, out)
    elif way == SHORT_ROWS:
        total = _short_hinge.short_hinge_gradients(scores, labels, margin, weight, start, stop, out)
    else:
        total = _rows_hinge.hinge_gradients(scores, labels, margin, weight, start, stop, out)
    if is_float32(scores) and not total < math.inf:
        if in_place:
            return wide
        return _rows_hinge.float64_hinge_losses(scores, labels, margin, start, stop)
    return total


@dual_kernel(
    lambda scores, classes: (scores, LABELS, types.float64, scores, hinge_known(scores, classes))
)
def svm_loss_gradient_kernel(scores, labels, margin, out, way):
    """`svm_loss_gradient` with checks of the values; returns the loss and fills `out`."""
    samples, classes = scores.shape
    check_scores("svm_loss_gradient", scores.shape)
    # before any row of `out` is written: it may be the scores themselves
    check_labels("svm_loss_gradient", labels, samples, classes)
    at_least_zero("svm_loss_gradient", "margin", margin)
    result_shape("svm_loss_gradient", "out", out.shape, scores.shape)
    totals, weight = new_array(block_count(samples, classes), np.float64), 1.0 / samples
    for block in prange(totals.size):
        start, stop = block_range(block, samples, classes)
        totals[block] = svm_gradient_block(scores, labels, margin, weight, start, stop, out, way)
    return ordered_sum(totals) / samples


# --- softmax_loss_gradient


@kernel(known=("way",))
def softmax_gradient_block(scores, labels, weight, start, stop, out, way):
    """Fill some rows of `out` with derivatives times `weight`; return the sum of their losses."""
    if way == COLUMNS:
        return _columns.softmax_gradients(scores, labels, weight, start, stop, out)
    return _rows_softmax.softmax_gradients(scores, labels, weight, start, stop, out)


@dual_kernel(lambda scores, classes: (scores, LABELS, scores, softmax_known(classes)))
def softmax_loss_gradient_kernel(scores, labels, out, way):
    """`softmax_loss_gradient` with checks of the values; returns the loss and fills `out`."""
    samples, classes = scores.shape
    check_scores("softmax_loss_gradient", scores.shape)
    # before any row of `out` is written: it may be the scores themselves
    check_labels("softmax_loss_gradient", labels, samples, classes)
    result_shape("softmax_loss_gradient", "out", out.shape, scores.shape)
    totals, weight = new_array(block_count(samples, classes), np.float64), 1.0 / samples
    for block in prange(totals.size):
        start, stop = block_range(block, samples, classes)
        totals[block] = softmax_gradient_block(scores, labels, weight, start, stop, out, way)
    return ordered_sum(totals) / samples
