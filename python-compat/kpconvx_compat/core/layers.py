"""The layers that the library had first, one or more cases each."""

import numpy as np

from kpconvx_compat.backend import keras
from kpconvx_compat.core.case import Case, floats

L = keras.layers

CASES = [
    Case("dense", {"x": floats(5, 4)}, lambda x: L.Dense(3)(x), lambda x, kernel, bias: x @ kernel + bias),
    Case(
        "batch_normalization",
        {"x": floats(5, 4)},
        lambda x: L.BatchNormalization()(x),
        lambda x, gamma, beta, mean, variance: gamma * (x - mean) / np.sqrt(variance + 1e-3) + beta,
    ),
    Case("batch_normalization_training", {"x": floats(5, 4)}, lambda x: L.BatchNormalization()(x), training=True),
]
