"""All cases, by the part of Keras that they are of."""

from kpconvx_compat.core import layers, merging, normalization

CASES = [*layers.CASES, *merging.CASES, *normalization.CASES]
