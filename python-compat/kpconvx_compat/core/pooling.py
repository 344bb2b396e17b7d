"""Pooling over sequences and images."""

import numpy as np

from kpconvx_compat.backend import keras
from kpconvx_compat.core.case import KERAS_3, Case, floats, integers
from kpconvx_compat.core.spatial import first, last, windows

L = keras.layers


def largest(x, size, strides, padding="valid"):
    axes = tuple(range(1 + len(size), 1 + 2 * len(size)))
    return windows(x, size, strides, padding, fill=-np.inf).max(axes)


def mean(x, size, strides, padding="valid"):
    """Added places do not count."""
    axes = tuple(range(1 + len(size), 1 + 2 * len(size)))
    return np.nanmean(windows(x, size, strides, padding, fill=np.nan), axes)


CASES = [
    Case(
        "max_pooling1d",
        {"x": floats(7, 3)},
        lambda x: [L.MaxPooling1D()(x), L.MaxPooling1D(4, strides=2, padding="same")(x)],
        lambda x: [largest(x, (2,), (2,)), largest(x, (4,), (2,), "same")],
    ),
    Case(
        "max_pooling1d_channels_first",
        {"x": floats(3, 7)},
        lambda x: L.MaxPooling1D(3, strides=1, data_format="channels_first")(x),
        lambda x: first(largest(last(x), (3,), (1,))),
    ),
    Case(
        "max_pooling1d_integers",
        {"x": integers(9, 7, 3)},
        lambda x: L.MaxPooling1D(3)(x),
        lambda x: largest(np.float64(x), (3,), (3,)).astype("int32"),
        differentiable=False,
    ),
    Case(
        "max_pooling2d",
        {"x": floats(7, 4, 3)},
        lambda x: [L.MaxPooling2D()(x), L.MaxPooling2D((1, 4))(x), L.MaxPooling2D((3, 2), strides=(2, 1), padding="same")(x)],
        lambda x: [largest(x, (2, 2), (2, 2)), largest(x, (1, 4), (1, 4)), largest(x, (3, 2), (2, 1), "same")],
    ),
    Case(
        "max_pooling2d_channels_first",
        {"x": floats(3, 7, 4)},
        lambda x: L.MaxPooling2D((3, 2), data_format="channels_first")(x),
        lambda x: first(largest(last(x), (3, 2), (3, 2))),
        versions=KERAS_3,
    ),
    Case(
        "average_pooling1d",
        {"x": floats(7, 3)},
        lambda x: [L.AveragePooling1D(2)(x), L.AveragePooling1D(4, strides=2, padding="same")(x)],
        lambda x: [mean(x, (2,), (2,)), mean(x, (4,), (2,), "same")],
    ),
    Case(
        "average_pooling1d_channels_first",
        {"x": floats(3, 7)},
        lambda x: L.AveragePooling1D(3, strides=1, data_format="channels_first")(x),
        lambda x: first(mean(last(x), (3,), (1,))),
    ),
    Case(
        "average_pooling2d",
        {"x": floats(7, 4, 3)},
        lambda x: [L.AveragePooling2D(2)(x), L.AveragePooling2D((1, 4))(x), L.AveragePooling2D((3, 2), (2, 1), "same")(x)],
        lambda x: [mean(x, (2, 2), (2, 2)), mean(x, (1, 4), (1, 4)), mean(x, (3, 2), (2, 1), "same")],
    ),
    Case(
        "average_pooling2d_channels_first",
        {"x": floats(3, 7, 4)},
        lambda x: L.AveragePooling2D((3, 2), data_format="channels_first")(x),
        lambda x: first(mean(last(x), (3, 2), (3, 2))),
    ),
    Case(
        "global_max_pooling1d",
        {"x": floats(5, 3)},
        lambda x: [
            L.GlobalMaxPooling1D()(x),
            L.GlobalMaxPooling1D(keepdims=True)(x),
            L.GlobalMaxPooling1D(data_format="channels_first")(x),
            L.GlobalMaxPooling1D(data_format="channels_first", keepdims=True)(x),
        ],
        lambda x: [x.max(1), x.max(1, keepdims=True), x.max(2), x.max(2, keepdims=True)],
    ),
    Case(
        "global_max_pooling1d_integers",
        {"x": integers(9, 5, 3, dtype="int64")},
        lambda x: L.GlobalMaxPooling1D()(x),
        lambda x: x.max(1),
        differentiable=False,
    ),
    Case(
        "global_max_pooling2d",
        {"x": floats(5, 4, 3)},
        lambda x: [
            L.GlobalMaxPooling2D()(x),
            L.GlobalMaxPooling2D(keepdims=True)(x),
            L.GlobalMaxPooling2D(data_format="channels_first")(x),
        ],
        lambda x: [x.max((1, 2)), x.max((1, 2), keepdims=True), x.max((2, 3))],
    ),
    Case(
        "global_average_pooling1d",
        {"x": floats(5, 3)},
        lambda x: [
            L.GlobalAveragePooling1D()(x),
            L.GlobalAveragePooling1D(keepdims=True)(x),
            L.GlobalAveragePooling1D(data_format="channels_first")(x),
        ],
        lambda x: [x.mean(1), x.mean(1, keepdims=True), x.mean(2)],
    ),
    Case(
        "global_average_pooling1d_integers",
        {"x": integers(9, 5, 3)},
        lambda x: L.GlobalAveragePooling1D()(x),
        lambda x: x.mean(1),
        versions=KERAS_3,
        differentiable=False,
    ),
    Case(
        "global_average_pooling1d_integers_keras2",
        {"x": integers(9, 5, 3)},
        lambda x: L.GlobalAveragePooling1D()(x),
        lambda x: x.sum(1) // 5,
        versions=("2.15",),
        differentiable=False,
    ),
    Case(
        "global_average_pooling2d",
        {"x": floats(5, 4, 3)},
        lambda x: [
            L.GlobalAveragePooling2D()(x),
            L.GlobalAveragePooling2D(keepdims=True)(x),
            L.GlobalAveragePooling2D(data_format="channels_first")(x),
        ],
        lambda x: [x.mean((1, 2)), x.mean((1, 2), keepdims=True), x.mean((2, 3))],
    ),
]
