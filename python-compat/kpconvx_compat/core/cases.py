"""All cases, by the part of Keras that they are of."""

from kpconvx_compat.core import layers

CASES = [*layers.CASES]
