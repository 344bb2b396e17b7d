"""Layers that bring tensors into another shape."""

import numpy as np

from kpconvx_compat.backend import keras
from kpconvx_compat.core.case import KERAS_3, Case, floats, integers
from kpconvx_compat.core.spatial import first, last

L = keras.layers

CASES = [
    Case(
        "flatten",
        {"x": floats(5, 3), "y": floats(3, 4, 2, known=True), "z": floats(), "i": integers(9, 2, 2, known=True)},
        lambda x, y, z, i: [
            L.Flatten()(x),
            L.Dense(2)(L.Flatten(data_format="channels_first")(y)),
            L.Flatten()(z),
            L.Flatten()(i),
        ],
        lambda x, y, z, i, kernel, bias: [
            x.reshape(2, -1),
            last(y).reshape(2, -1) @ kernel + bias,
            z[:, None],
            i.reshape(2, -1),
        ],
    ),
    Case(
        "permute",
        {"x": floats(5, 3), "y": integers(9, 3, 4, 2, dtype="int64")},
        lambda x, y: [L.Permute((2, 1))(x), L.Permute((3, 1, 2))(y)],
        lambda x, y: [x.transpose(0, 2, 1), y.transpose(0, 3, 1, 2)],
    ),
    Case(
        "repeat_vector",
        {"x": floats(3), "i": integers(9, 4)},
        lambda x, i: [L.RepeatVector(4)(x), L.RepeatVector(1)(i)],
        lambda x, i: [np.stack([x] * 4, 1), i[:, None]],
    ),
    Case(
        "reshape",
        {"x": floats(4, 3, known=True), "y": floats(4, 3, 2), "i": integers(9, 4, 3)},
        lambda x, y, i: [L.Reshape((2, -1))(x), L.Reshape((-1, 6))(y), L.Reshape((3, 4))(i)],
        lambda x, y, i: [x.reshape(2, 2, 6), y.reshape(2, -1, 6), i.reshape(2, 3, 4)],
    ),
    Case(
        "zero_padding",
        {"x": floats(5, 3), "y": floats(4, 3, 2), "i": integers(9, 4, 3)},
        lambda x, y, i: [
            L.ZeroPadding1D((1, 3))(x),
            L.ZeroPadding2D(((1, 0), (2, 3)))(y),
            L.ZeroPadding2D((1, 2), data_format="channels_first")(y),
            L.ZeroPadding1D(2)(i),
        ],
        lambda x, y, i: [
            np.pad(x, [(0, 0), (1, 3), (0, 0)]),
            np.pad(y, [(0, 0), (1, 0), (2, 3), (0, 0)]),
            np.pad(y, [(0, 0), (0, 0), (1, 1), (2, 2)]),
            np.pad(i, [(0, 0), (2, 2), (0, 0)]),
        ],
    ),
    Case(
        "zero_padding1d_channels_first",
        {"x": floats(5, 3)},
        lambda x: L.ZeroPadding1D((1, 3), data_format="channels_first")(x),
        lambda x: np.pad(x, [(0, 0), (0, 0), (1, 3)]),
        versions=KERAS_3,
    ),
    Case(
        "cropping",
        {"x": floats(7, 3), "y": floats(4, 6, 5), "i": integers(9, 4, 3)},
        lambda x, y, i: [
            L.Cropping1D((1, 3))(x),
            L.Cropping2D(((1, 0), (2, 3)))(y),
            L.Cropping2D((1, 2), data_format="channels_first")(y),
            L.Cropping1D()(i),
        ],
        lambda x, y, i: [x[:, 1:4], y[:, 1:, 2:3], y[:, :, 1:5, 2:3], i[:, 1:3]],
    ),
    Case(
        "up_sampling",
        {"x": floats(4, 3), "y": floats(3, 4, 2, known=True), "i": integers(9, 4, 3)},
        lambda x, y, i: [
            L.UpSampling1D(3)(x),
            L.Dense(2)(L.Flatten()(L.UpSampling2D((2, 3))(y))),
            L.UpSampling2D((2, 3), data_format="channels_first")(y),
            L.UpSampling1D()(i),
        ],
        lambda x, y, i, kernel, bias: [
            x.repeat(3, 1),
            y.repeat(2, 1).repeat(3, 2).reshape(2, -1) @ kernel + bias,
            y.repeat(2, 2).repeat(3, 3),
            i.repeat(2, 1),
        ],
    ),
    Case(
        "up_sampling_interpolated",
        {"x": floats(4, 5, 2)},
        lambda x: [
            L.UpSampling2D((2, 3), interpolation="bilinear")(x),
            L.UpSampling2D((2, 3), interpolation="bicubic")(x),
            L.UpSampling2D((3, 2), interpolation="lanczos3")(x),
            L.UpSampling2D((2, 2), interpolation="lanczos5")(x),
            L.UpSampling2D((2, 3), interpolation="bilinear", data_format="channels_first")(x),
        ],
        lambda x: [
            interpolated(x, (2, 3), 1, triangle),
            interpolated(x, (2, 3), 2, cubic),
            interpolated(x, (3, 2), 3, lanczos),
            interpolated(x, (2, 2), 5, lanczos),
            first(interpolated(last(x), (2, 3), 1, triangle)),
        ],
    ),
    Case(
        "up_sampling_interpolated_keras2",
        {"x": floats(4, 5, 2)},
        lambda x: [
            L.UpSampling2D((2, 3), interpolation="gaussian")(x),
            L.UpSampling2D((2, 3), interpolation="mitchellcubic")(x),
        ],
        lambda x: [interpolated(x, (2, 3), 1.5, gaussian), interpolated(x, (2, 3), 2, mitchell)],
        versions=("2.15",),
    ),
    Case(
        "up_sampling_area",
        {"x": floats(4, 5, 2)},
        lambda x: L.UpSampling2D((2, 3), interpolation="area")(x),
        lambda x: x.repeat(2, 1).repeat(3, 2),
        versions=("2.15",),
        differentiable=False,
    ),
]


def interpolated(x, times, radius, weight):
    """Places between those of (B, H, W, C), weighted by their distance, those within the image alone."""
    for axis, factor in enumerate(times, 1):
        size = x.shape[axis]
        places = (np.arange(size * factor) + 0.5) / factor - 0.5
        if weight is cubic:  # TensorFlow has its weights in a table.
            places = np.round(places * 1024) / 1024
        distances = np.abs(places[:, None] - np.arange(size))
        weights = np.where(distances < radius, weight(distances, radius), 0)
        weights /= weights.sum(1, keepdims=True)
        x = np.moveaxis(np.tensordot(weights, x, (1, axis)), 0, axis)
    return x


def triangle(d, radius):
    return 1 - d


def cubic(d, radius):
    """Keys's, a = -0.5."""
    return np.where(d <= 1, (1.5 * d - 2.5) * d * d + 1, ((-0.5 * d + 2.5) * d - 4) * d + 2)


def mitchell(d, radius):
    return np.where(d < 1, (7 * d - 12) * d * d + 16 / 3, ((-7 / 3 * d + 12) * d - 20) * d + 32 / 3)


def lanczos(d, radius):
    return np.sinc(d) * np.sinc(d / radius)


def gaussian(d, radius):
    return np.exp(-(d**2) / (2 * (radius / 3) ** 2))
