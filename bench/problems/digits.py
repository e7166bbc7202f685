"""Train on scikit-learn's handwritten digits, beside its `LogisticRegression`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.common import threads
from bench.common.extras import needing
from bench.model import Arguments
from bench.problems.training import Training, train, versions

CLASSES = 10
SIDE = 8  # of an image, in pixels
BRIGHTEST = 16.0
TEST_SHARE = 0.25
SEED = 0  # of the split and of the mini-batches
EPOCHS = 100
# An epoch takes the loops a hundred times as long as NumPy.
EPOCHS_OF = {"loop": 5}
BATCH, MOMENTUM = 128, 0.9
# The slopes of the hinge are steeper: it sums over nine wrong classes.
RATES = {"softmax": 0.1, "svm": 0.02}


@dataclass(frozen=True)
class Digits:
    """Images as rows of 64 pixels in [0, 1], and the digits that they show."""

    X: NDArray[np.float64]
    labels: NDArray[np.int64]


@dataclass(frozen=True)
class Trained:
    """The trainings by one loss, one per tier.

    Attributes
    ----------
    loss : "softmax" or "svm"
    trainings : sequence of Training
        Those of `EPOCHS_OF` have fewer losses than the others.
    spread : float
        The largest difference between the losses of two tiers at the same epoch.
    accuracy, peer_accuracy : float
        Share of the test digits that the last tier gets right, and scikit-learn.
    """

    loss: str
    trainings: Sequence[Training]
    spread: float
    accuracy: float
    peer_accuracy: float

    @property
    def templates(self) -> NDArray[np.float64]:
        """What each class looks for: (classes, 8, 8) weights."""
        return np.asarray(self.trainings[-1].W).T.reshape(CLASSES, SIDE, SIDE)


def load_digits() -> tuple[Digits, Digits]:
    """Return the digits to train on and those to test with: the same split each time.

    Raises
    ------
    MissingLibraryError
        scikit-learn is not installed.
    """
    with needing("scikit-learn", "the handwritten digits"):
        from sklearn import datasets, model_selection
    X, labels = datasets.load_digits(return_X_y=True)
    parts = model_selection.train_test_split(
        *(X / BRIGHTEST, labels.astype(np.int64)),
        test_size=TEST_SHARE,
        random_state=SEED,
        stratify=labels,
    )
    return Digits(parts[0], parts[2]), Digits(parts[1], parts[3])


def train_digits(
    given: Digits, test: Digits, say: Callable[[str], None] = lambda _: None
) -> list[Trained]:
    """Train by both losses in every tier.

    Parameters
    ----------
    given, test : Digits
    say : function of str
        Called with a line of progress for each training.
    """
    say("training: LogisticRegression")
    peer = peer_accuracy(given, test)
    found = []
    for number, loss in enumerate(RATES):
        trainings = []
        for tier in versions():
            say(f"training by {loss}: {tier}")
            arguments = training_arguments(given, loss, EPOCHS_OF.get(tier, EPOCHS))
            trainings.append(train(tier, arguments, compiles=number == 0))
        right = accuracy(trainings[-1], test)
        found.append(Trained(loss, trainings, spread(trainings), right, peer))
    return found


def training_arguments(given: Digits, loss: str, epochs: int) -> Arguments:
    """Return the arguments of `train_linear`: softmax minimises what LogisticRegression does."""
    gradient = "analytic", 1.0, 1e-5, "central", True
    steps = RATES[loss], epochs, BATCH, MOMENTUM, regularization(given), SEED
    return given.X, given.labels, CLASSES, loss, *gradient, *steps


def regularization(given: Digits) -> float:
    """Return the λ of a mean loss that is LogisticRegression's default C = 1 of a sum.

    It minimises C·Σ loss + ½ΣW²; we minimise mean loss + λΣW².
    """
    return 0.5 / len(given.X)


def accuracy(training: Training, test: Digits) -> float:
    """Return the share of digits whose own score is the largest."""
    scores = test.X @ np.asarray(training.W) + np.asarray(training.b)
    return float(np.mean(scores.argmax(axis=1) == test.labels))


def peer_accuracy(given: Digits, test: Digits) -> float:
    """Return the share of digits that LogisticRegression gets right."""
    with needing("scikit-learn", "the handwritten digits"):
        from sklearn.linear_model import LogisticRegression
    model: Any = LogisticRegression(max_iter=10 * EPOCHS)  # the default is too few to converge
    with threads.limited(1):
        return float(model.fit(given.X, given.labels).score(test.X, test.labels))


def spread(trainings: Sequence[Training]) -> float:
    """Return the largest difference between the losses of two tiers at the same epoch."""
    longest = max(len(one.losses) for one in trainings)
    curves = np.full((len(trainings), longest), np.nan)
    for curve, one in zip(curves, trainings, strict=True):
        curve[: len(one.losses)] = one.losses
    return float(np.max(np.nanmax(curves, axis=0) - np.nanmin(curves, axis=0)))
