"""Layers that normalize."""

import numpy as np

from kpconvx_compat.backend import keras
from kpconvx_compat.core.case import KERAS_3, Case, floats, integers

L = keras.layers


def _standardized(x, axes, epsilon):
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + epsilon)


CASES = [
    Case(
        "layer_normalization",
        {"x": floats(5, 4)},
        lambda x: L.LayerNormalization()(x),
        lambda x, gamma, beta: gamma * _standardized(x, -1, 1e-3) + beta,
    ),
    Case(
        "layer_normalization_axes",
        {"x": floats(5, 3, 4, known=True)},
        lambda x: [
            L.LayerNormalization(axis=[1, 3], epsilon=0.1)(x),
            L.LayerNormalization(axis=(2, 1), epsilon=1e-6)(x),
            L.LayerNormalization(axis=-2, center=False)(x),
            L.LayerNormalization(axis=[-2, -1], scale=False)(x),
            L.LayerNormalization(axis=1, scale=False, center=False)(x),
        ],
        lambda x, gamma, beta, other_gamma, other_beta, scale, shift: [
            gamma[:, None] * _standardized(x, (1, 3), 0.1) + beta[:, None],
            other_gamma.reshape(5, 3, 1) * _standardized(x, (1, 2), 1e-6) + other_beta.reshape(5, 3, 1),
            scale[:, None] * _standardized(x, 2, 1e-3),
            _standardized(x, (2, 3), 1e-3) + shift,
            _standardized(x, 1, 1e-3),
        ],
    ),
    Case(
        "layer_normalization_rules",
        {"x": floats(5, 4)},
        lambda x: L.LayerNormalization(
            gamma_initializer=keras.initializers.RandomUniform(0.5, 1.5),
            beta_initializer=keras.initializers.Constant(0.5),
            gamma_regularizer=keras.regularizers.L2(0.1),
            beta_regularizer=keras.regularizers.L1(0.2),
            gamma_constraint=keras.constraints.NonNeg(),
            beta_constraint=keras.constraints.MaxNorm(1.0),
        )(x),
        lambda x, gamma, beta: gamma * _standardized(x, -1, 1e-3) + beta,
    ),
    Case(
        "layer_normalization_rms",
        {"x": floats(5, 4)},
        lambda x: L.LayerNormalization(rms_scaling=True)(x),
        lambda x, gamma: gamma * x / np.sqrt(x.var(-1, keepdims=True) + 1e-3),
        versions=KERAS_3,
    ),
    Case(
        "embedding",
        {"i": integers(7, 5), "j": integers(7, 2, 3, dtype="int64"), "k": floats(5, low=0, high=7)},
        lambda i, j, k: [
            L.Embedding(7, 3)(i),
            L.Embedding(7, 2, embeddings_regularizer=keras.regularizers.L1L2(0.1, 0.2))(j),
            L.Embedding(7, 2, embeddings_initializer="he_normal", embeddings_constraint="unit_norm")(k),
        ],
        lambda i, j, k, a, b, c: [a[i], b[j], c[k.astype(int)]],
    ),
]
