"""All cases, by the part of Keras that they are of."""

from kpconvx_compat.core import (
    attention,
    convolution,
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
