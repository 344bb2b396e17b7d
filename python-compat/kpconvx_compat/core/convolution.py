"""Convolutions over sequences and images."""

import numpy as np

from kpconvx_compat.backend import keras
from kpconvx_compat.core.case import Case, floats
from kpconvx_compat.core.spatial import convolution, first, last

L = keras.layers


def relu(x):
    return np.maximum(x, 0)


CASES = [
    Case(
        "conv1d_point",
        {"x": floats(5, 3)},
        lambda x: L.Conv1D(4, 1, activation="relu")(x),
        lambda x, kernel, bias: relu(x @ kernel[0] + bias),
    ),
    Case(
        "conv1d",
        {"x": floats(7, 3)},
        lambda x: L.Conv1D(4, 3, strides=2, use_bias=False)(x),
        lambda x, kernel: convolution(x, kernel, 2),
    ),
    Case(
        "conv1d_same",
        {"x": floats(7, 4, known=True)},
        lambda x: L.Conv1D(6, 4, strides=2, padding="same", groups=2, kernel_regularizer="l2", bias_regularizer="l1")(x),
        lambda x, kernel, bias: convolution(x, kernel, 2, "same", groups=2) + bias,
    ),
    Case(
        "conv1d_dilated",
        {"x": floats(7, 3)},
        lambda x: L.Conv1D(4, 3, padding="same", dilation_rate=2, activation="tanh")(x),
        lambda x, kernel, bias: np.tanh(convolution(x, kernel, 1, "same", 2) + bias),
    ),
    Case(
        "conv1d_causal",
        {"x": floats(7, 3), "y": floats(8, 3, known=True)},
        lambda x, y: [
            L.Conv1D(2, 3, padding="causal", strides=2)(x),
            L.Dense(2)(L.Flatten()(L.Conv1D(2, 3, padding="causal", dilation_rate=3)(y))),
        ],
        lambda x, y, kernel, bias, k, b, matrix, shift: [
            convolution(x, k, 2, "causal") + b,
            (convolution(y, kernel, 1, "causal", 3) + bias).reshape(2, -1) @ matrix + shift,
        ],
    ),
    Case(
        "conv1d_channels_first",
        {"x": floats(3, 7, known=True)},
        lambda x: L.Conv1D(4, 3, data_format="channels_first", activation="softmax")(x),
        lambda x, kernel, bias: softmax(first(convolution(last(x), kernel) + bias)),
    ),
    Case(
        "conv1d_several_batches",
        {"x": floats(5, 6, 3)},
        lambda x: [L.Conv1D(4, 3)(x), L.Conv1D(4, 1)(x)],
        lambda x, kernel, bias, k, b: [
            convolution(x.reshape(-1, 6, 3), kernel).reshape(2, 5, 4, 4) + bias,
            x @ k[0] + b,
        ],
        versions=("2.15",),
    ),
    Case(
        "conv2d_point",
        {"x": floats(5, 4, 3)},
        lambda x: L.Conv2D(4, 1, activation="relu")(x),
        lambda x, kernel, bias: relu(x @ kernel[0, 0] + bias),
    ),
    Case(
        "conv2d_point_groups",
        {"x": floats(5, 4, 4)},
        lambda x: L.Conv2D(6, (1, 1), groups=2)(x),
        lambda x, kernel, bias: convolution(x, kernel, groups=2) + bias,
    ),
    Case(
        "conv2d",
        {"x": floats(7, 5, 3)},
        lambda x: L.Conv2D(4, (3, 2), strides=(2, 1), use_bias=False)(x),
        lambda x, kernel: convolution(x, kernel, (2, 1)),
    ),
    Case(
        "conv2d_neighbours",
        {"x": floats(5, 4, 3)},
        lambda x: L.Conv2D(6, (1, 4), activation="elu")(x),
        lambda x, kernel, bias: elu(convolution(x, kernel) + bias),
    ),
    Case(
        "conv2d_same",
        {"x": floats(7, 5, 4)},
        lambda x: L.Conv2D(6, (4, 3), strides=2, padding="same", groups=2)(x),
        lambda x, kernel, bias: convolution(x, kernel, 2, "same", groups=2) + bias,
    ),
    Case(
        "conv2d_dilated",
        {"x": floats(9, 7, 3), "y": floats(9, 7, 2, known=True)},
        lambda x, y: [
            L.Conv2D(4, (2, 3), dilation_rate=(3, 1))(x),
            L.Conv2D(2, (3, 2), padding="same", dilation_rate=(2, 3), groups=2)(y),
        ],
        lambda x, y, k, b, kernel, bias: [
            convolution(x, k, dilations=(3, 1)) + b,
            convolution(y, kernel, 1, "same", (2, 3), 2) + bias,
        ],
    ),
    Case(
        "conv2d_channels_first",
        {"x": floats(3, 7, 5, known=True)},
        lambda x: L.Conv2D(4, (3, 2), data_format="channels_first", padding="same")(x),
        lambda x, kernel, bias: first(convolution(last(x), kernel, padding="same") + bias),
    ),
    Case(
        "conv2d_several_batches",
        {"x": floats(3, 5, 4, 2)},
        lambda x: L.Conv2D(4, (3, 2))(x),
        lambda x, kernel, bias: convolution(x.reshape(-1, 5, 4, 2), kernel).reshape(2, 3, 3, 3, 4) + bias,
        versions=("2.15",),
    ),
]


def softmax(x):
    e = np.exp(x)
    return e / e.sum(-1, keepdims=True)


def elu(x):
    return np.where(x > 0, x, np.expm1(x))
