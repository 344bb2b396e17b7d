"""Layers that are activations."""

import numpy as np

from kpconvx_compat.backend import keras
from kpconvx_compat.core.case import Case, floats

L = keras.layers
X = {"x": floats(5, 4)}


def _softmax(x, axis):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


CASES = [
    Case("elu", X, lambda x: L.ELU(alpha=0.7)(x), lambda x: np.where(x > 0, x, 0.7 * np.expm1(x))),
    Case("identity", X, lambda x: L.Identity()(L.Dense(2)(x)), lambda x, kernel, bias: x @ kernel + bias),
    Case("softmax", X, lambda x: [L.Softmax()(x), L.Softmax(axis=1)(x)], lambda x: [_softmax(x, -1), _softmax(x, 1)]),
    Case(
        "spatial_dropout3d",
        {"x": floats(3, 2, 2, 4)},
        lambda x: L.Dense(2)(L.SpatialDropout3D(0.4)(x)),
        lambda x, kernel, bias: x @ kernel + bias,
    ),
    Case(
        "leaky_relu",
        X,
        lambda x: [L.LeakyReLU()(x), L.ReLU(max_value=0.9, negative_slope=0.2, threshold=0.1)(x)],
        lambda x: [
            np.where(x > 0, x, 0.3 * x),
            np.where(x >= 0.9, 0.9, np.where(x >= 0.1, x, 0.2 * (x - 0.1))),
        ],
    ),
    Case(
        "thresholded_relu",
        X,
        lambda x: L.ThresholdedReLU(0.4)(x),
        lambda x: np.where(x > 0.4, x, 0),
        versions=("2.15",),
    ),
]
