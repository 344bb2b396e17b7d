"""Layers that vary or penalize what passes in training, and let it pass in inference."""

from kpconvx_compat.backend import keras
from kpconvx_compat.core.case import Case, floats

L = keras.layers


CASES = [
    Case(
        "dropouts",
        {"x": floats(5, 4), "y": floats(3, 5, 4)},
        lambda x, y: [
            L.Dropout(0.5)(x),
            L.Dropout(0.25, noise_shape=(None, 1, 4), seed=3)(x),
            L.Dropout(1.0)(x),
            L.SpatialDropout1D(0.5)(x),
            L.SpatialDropout2D(0.5)(y),
            L.AlphaDropout(0.3, noise_shape=(2, 1, 1))(x),
            L.GaussianDropout(0.5, seed=1)(x),
            L.GaussianNoise(0.5)(x),
        ],
        lambda x, y: [x, x, x, x, y, x, x, x],
    ),
    Case(
        "dropouts_training",
        {"x": floats(5, 4)},
        lambda x: [
            L.Dropout(0.0)(x),
            L.SpatialDropout1D(0.0)(x),
            L.AlphaDropout(0.0)(x),
            L.GaussianDropout(0.0)(x),
            L.GaussianNoise(0.0)(x),
        ],
        lambda x: [x, x, x, x, x],
        training=True,
    ),
    Case(
        "dropout_all_training",
        {"x": floats(5, 4)},
        lambda x: L.Dropout(1.0)(x),
        lambda x: 0 * x,
        versions=("3.15",),
        training=True,
    ),
    Case(
        "activity_regularization",
        {"x": floats(5, 4)},
        lambda x: L.ActivityRegularization(l1=0.1, l2=0.2)(L.Dense(3)(L.ActivityRegularization()(x))),
        lambda x, kernel, bias: x @ kernel + bias,
    ),
]
