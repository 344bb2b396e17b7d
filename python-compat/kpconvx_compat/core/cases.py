"""All cases, by the part of Keras that they are of."""

from kpconvx_compat.core import attention, convolution, layers, masking, merging, normalization, operations, pooling, reshaping

CASES = [
    *layers.CASES,
    *attention.CASES,
    *masking.CASES,
    *merging.CASES,
    *normalization.CASES,
    *convolution.CASES,
    *pooling.CASES,
    *reshaping.CASES,
    *operations.CASES,
]
