"""All cases, by the part of Keras that they are of."""

from kpconvx_compat.core import (
    activation,
    attention,
    convolution,
    elementwise,
    layers,
    masking,
    merging,
    normalization,
    operations,
    operations_tensorflow,
    pooling,
    regularization,
    reshaping,
)

CASES = [
    *layers.CASES,
    *activation.CASES,
    *elementwise.CASES,
    *attention.CASES,
    *masking.CASES,
    *merging.CASES,
    *normalization.CASES,
    *convolution.CASES,
    *pooling.CASES,
    *regularization.CASES,
    *reshaping.CASES,
    *operations.CASES,
    *operations_tensorflow.CASES,
]
