"""The loops of the losses and their gradients under `@njit`, for arrays instead of lists."""

from kernels._cache import cached
from kernels.jit import lists as lists  # registers what the texts call
from reference import losses

svm_loss = cached(losses.svm_loss)
softmax_loss = cached(losses.softmax_loss)
softmax = cached(losses.softmax)
log_softmax = cached(losses.log_softmax)
svm_loss_gradient = cached(losses.svm_loss_gradient)
softmax_loss_gradient = cached(losses.softmax_loss_gradient)
