"""Layers that normalize."""

import numpy as np

from kpconvx_compat.backend import KERAS_2, keras
from kpconvx_compat.core.case import KERAS_3, OF_BOTH, Case, booleans, floats, integers

L = keras.layers


def _standardized(x, axes, epsilon):
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + epsilon)


def _unit(x, axes, least):
    return x / np.maximum(np.sqrt(np.sum(x**2, axes, keepdims=True)), least)


def _grouped(x, axis, groups, epsilon=1e-3):
    parts = x.reshape(*x.shape[:axis], groups, -1, *x.shape[axis + 1 :])
    return _standardized(parts, tuple(a for a in range(1, parts.ndim) if a != axis), epsilon).reshape(x.shape)


def _batch(x, axis, gamma, beta, mean, variance, epsilon=1e-3):
    gamma, beta, mean, variance = (
        np.reshape(w, [-1 if a == axis else 1 for a in range(x.ndim)]) for w in (gamma, beta, mean, variance)
    )
    return gamma * (x - mean) / np.sqrt(variance + epsilon) + beta


def _batch_masked(i, j):
    """Of what an embedding masks, and of what a merging layer makes of two masks."""
    embed = L.Embedding(4, 3, mask_zero=True)
    norm = L.BatchNormalization(momentum=0.6)
    return [norm(embed(i)), L.BatchNormalization(scale=False)(L.Add()([embed(i), embed(j)]))]


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
    Case(
        "group_normalization",
        {"x": floats(5, 6)},
        lambda x: [
            L.GroupNormalization(groups=3)(x),
            L.GroupNormalization(groups=-1, epsilon=0.1, center=False)(x),
            L.GroupNormalization(groups=1, scale=False)(x),
            L.GroupNormalization(groups=2, scale=False, center=False)(x),
        ],
        lambda x, gamma, beta, scale, shift: [
            gamma * _grouped(x, 2, 3) + beta,
            scale * _grouped(x, 2, 6, 0.1),
            _grouped(x, 2, 1) + shift,
            _grouped(x, 2, 2),
        ],
    ),
    Case(
        "group_normalization_axes",
        {"x": floats(4, 3, 6, known=True)},
        lambda x: [
            L.GroupNormalization(groups=2, axis=1)(x),
            L.GroupNormalization(
                groups=3,
                axis=-2,
                gamma_regularizer=keras.regularizers.L2(0.1),
                beta_constraint=keras.constraints.MaxNorm(1.0),
            )(x),
        ],
        lambda x, gamma, beta, scale, shift: [
            gamma[:, None, None] * _grouped(x, 1, 2) + beta[:, None, None],
            scale[:, None] * _grouped(x, 2, 3) + shift[:, None],
        ],
    ),
    Case(
        "unit_normalization",
        {"x": floats(5, 4)},
        lambda x: [L.UnitNormalization()(x), L.UnitNormalization(axis=[1, 2])(x), L.UnitNormalization(axis=1)(x)],
        lambda x: [_unit(x, -1, 1e-6), _unit(x, (1, 2), 1e-6), _unit(x, 1, 1e-6)],
    ),
    Case(
        "unit_normalization_small",
        {"x": floats(4, low=-1e-8, high=1e-8)},
        lambda x: L.UnitNormalization()(x),
        lambda x: _unit(x, -1, 1e-6 if KERAS_2 else 1e-12),
    ),
    Case(
        "rms_normalization",
        {"x": floats(5, 4, known=True)},
        lambda x: [L.RMSNormalization()(x), L.RMSNormalization(axis=[1, 2], epsilon=0.1)(x)],
        lambda x, scale, scales: [
            x / np.sqrt(np.mean(x**2, -1, keepdims=True) + 1e-6) * scale,
            x / np.sqrt(np.mean(x**2, (1, 2), keepdims=True) + 0.1) * scales,
        ],
        versions=("3.15",),
    ),
    Case(
        "rescaling",
        {"x": floats(5, 4), "i": integers(256, 3)},
        lambda x, i: [
            L.Rescaling(0.5)(x),
            L.Rescaling([0.5, 2.0, -1.0, 0.25], offset=[1.0, 0.0, 0.5, -2.0])(x),
            L.Rescaling(1 / 127.5, -1)(i),
        ],
        lambda x, i: [x * 0.5, x * [0.5, 2, -1, 0.25] + [1, 0, 0.5, -2], i / 127.5 - 1],
    ),
    Case(
        "rescaling_array",
        {"x": floats(5, 2)},
        lambda x: L.Rescaling(np.array([0.5, 2.0]), offset=np.array(3.0))(x),
        lambda x: x * [0.5, 2] + 3,
    ),
    Case(
        "batch_normalization_axes",
        {"x": floats(4, 3, 6, known=True), "y": floats(4, 3, known=True)},
        lambda x, y: [
            L.BatchNormalization(axis=1, epsilon=1e-6)(x),
            L.BatchNormalization(axis=-2, scale=False)(y),
            L.BatchNormalization(axis=1, center=False)(y),
            L.BatchNormalization(axis=2)(y),
        ],
        lambda x, y, g0, b0, m0, v0, b1, m1, v1, g2, m2, v2, g3, b3, m3, v3: [
            _batch(x, 1, g0, b0, m0, v0, 1.001e-5 if KERAS_2 else 1e-6),
            _batch(y, 1, np.ones(4), b1, m1, v1),
            _batch(y, 1, g2, np.zeros(4), m2, v2),
            _batch(y, 2, g3, b3, m3, v3),
        ],
    ),
    Case(
        "batch_normalization_axes_training",
        {"x": floats(4, 3, 6, known=True), "y": floats(4, 3, known=True)},
        lambda x, y: [
            L.BatchNormalization(axis=1)(x),
            L.BatchNormalization(axis=-1, momentum=0.5)(x),
            L.BatchNormalization(axis=1, momentum=0.9)(y),
            L.BatchNormalization(axis=-1, synchronized=True, momentum=0.9)(y),
        ],
        training=True,
    ),
    Case(
        "batch_normalization_masked_training",
        {"i": integers(4, 6), "j": integers(4, 6)},
        _batch_masked,
        training=True,
    ),
    Case(
        "batch_normalization_mask_training",
        {"x": floats(5, 4), "counts": booleans(5, known=True)},
        lambda x, counts: L.BatchNormalization(momentum=0.7)(x, mask=counts),
        training=True,
    ),
    Case(
        "normalization",
        {"x": floats(5, 4), "i": integers(9, 3)},
        lambda x, i: [
            L.Normalization()(x),
            L.Normalization(axis=None, invert=True)(x),
            L.Normalization(axis=-1)(i),
        ],
        lambda x, i, mean, variance, _n, one_mean, one_variance, _m, i_mean, i_variance, _l: [
            (x - mean) / np.sqrt(variance),
            x * np.sqrt(one_variance) + one_mean,
            (i - i_mean) / np.sqrt(i_variance),
        ],
    ),
    Case(
        "normalization_given",
        {"x": floats(5, 4, known=True)},
        lambda x: [
            L.Normalization(mean=[0.5, 1.0, -1.0, 2.0], variance=[1.0, 4.0, 0.0, 0.25])(x),
            L.Normalization(axis=None, mean=0.5, variance=4.0)(x),
            L.Normalization(axis=(2, 1), mean=[[0.1], [0.2], [0.3], [0.4], [0.5]], variance=[[2.0]] * 5)(x),
            L.Normalization(axis=1, mean=0.5, variance=4.0, invert=True)(x),
        ],
        lambda x: [
            (x - [0.5, 1, -1, 2]) / np.maximum(np.sqrt([1, 4, 0, 0.25]), 1e-7),
            (x - 0.5) / 2,
            (x - np.array([0.1, 0.2, 0.3, 0.4, 0.5])[:, None]) / np.sqrt(2),
            x * 2 + 0.5,
        ],
        versions=OF_BOTH,
        differentiable=False,
    ),
]
