"""Convolutions over sequences and images."""

import numpy as np

from kpconvx_compat.backend import keras
from kpconvx_compat.core.case import KERAS_3, Case, floats
from kpconvx_compat.core.spatial import convolution, depthwise, first, last, transposed

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
    Case(
        "depthwise_conv1d",
        {"x": floats(7, 3), "y": floats(3, 7, known=True)},
        lambda x, y: [
            L.DepthwiseConv1D(3, strides=2, padding="same", depth_multiplier=2, activation="relu")(x),
            L.DepthwiseConv1D(2, data_format="channels_first", use_bias=False, dilation_rate=3)(y),
        ],
        lambda x, y, k, b, kernel: [
            relu(depthwise(x, k, 2, "same") + b),
            first(depthwise(last(y), kernel, dilations=3)),
        ],
    ),
    Case(
        "depthwise_conv1d_strided_dilated",
        {"x": floats(9, 3), "y": floats(9, 3, known=True)},
        lambda x, y: [
            L.DepthwiseConv1D(3, strides=2, padding="same", dilation_rate=3)(x),
            L.Dense(2)(L.Flatten()(L.DepthwiseConv1D(3, strides=3, dilation_rate=2)(y))),
        ],
        lambda x, y, kernel, bias, k, b, matrix, shift: [
            depthwise(x, k, 2, "same", 3) + b,
            (depthwise(y, kernel, 3, dilations=2) + bias).reshape(2, -1) @ matrix + shift,
        ],
        versions=("3.15",),
    ),
    Case(
        "depthwise_conv2d",
        {"x": floats(7, 5, 3), "y": floats(7, 6, 2)},
        lambda x, y: [
            L.DepthwiseConv2D((2, 3), strides=(2, 1), padding="same", depth_multiplier=2, depthwise_regularizer="l2")(x),
            L.DepthwiseConv2D((1, 3), use_bias=False, dilation_rate=(1, 2), activation="tanh")(y),
        ],
        lambda x, y, k, b, kernel: [
            depthwise(x, k, (2, 1), "same") + b,
            np.tanh(depthwise(y, kernel, dilations=(1, 2))),
        ],
    ),
    Case(
        "depthwise_conv2d_channels_first",
        {"x": floats(3, 7, 5, known=True)},
        lambda x: L.DepthwiseConv2D(3, strides=2, data_format="channels_first")(x),
        lambda x, kernel, bias: first(depthwise(last(x), kernel, 2) + bias),
        versions=KERAS_3,
    ),
    Case(
        "separable_conv1d",
        {"x": floats(7, 3), "y": floats(3, 7, known=True)},
        lambda x, y: [
            L.SeparableConv1D(4, 3, strides=2, padding="same", depth_multiplier=2, activation="relu")(x),
            L.SeparableConv1D(5, 2, data_format="channels_first", use_bias=False, dilation_rate=2)(y),
        ],
        lambda x, y, k, point, b, kernel, matrix: [
            relu(depthwise(x, k, 2, "same") @ point[0] + b),
            first(depthwise(last(y), kernel, dilations=2) @ matrix[0]),
        ],
    ),
    Case(
        "separable_conv1d_causal",
        {"x": floats(7, 3)},
        lambda x: L.SeparableConv1D(4, 3, padding="causal")(x),
        lambda x, kernel, matrix, bias: depthwise(x, kernel, 1, "causal") @ matrix[0] + bias,
        versions=("2.15",),
    ),
    Case(
        "separable_conv2d",
        {"x": floats(7, 5, 3), "y": floats(7, 6, 2)},
        lambda x, y: [
            L.SeparableConv2D(4, (2, 3), strides=2, padding="same", depth_multiplier=2, pointwise_regularizer="l2")(x),
            L.SeparableConv2D(5, 2, use_bias=False, dilation_rate=2, activation="tanh")(y),
        ],
        lambda x, y, k, point, b, kernel, matrix: [
            depthwise(x, k, 2, "same") @ point[0, 0] + b,
            np.tanh(depthwise(y, kernel, dilations=2) @ matrix[0, 0]),
        ],
    ),
    Case(
        "conv1d_transpose",
        {"x": floats(4, 3), "y": floats(3, 4, known=True)},
        lambda x, y: [
            L.Conv1DTranspose(4, 3, strides=2, padding="same", activation="relu")(x),
            L.Dense(2)(L.Conv1DTranspose(5, 3, dilation_rate=2, data_format="channels_first", use_bias=False)(y)),
        ],
        lambda x, y, *w: [
            relu(transposed(x, w[1], 2, "same") + w[2]),
            first(transposed(last(y), w[0], dilations=2)) @ w[3] + w[4],
        ],
    ),
    Case(
        "conv1d_transpose_output_padding",
        {"x": floats(4, 3), "y": floats(4, 3)},
        lambda x, y: [
            L.Conv1DTranspose(4, 3, strides=2, output_padding=1)(x),
            L.Conv1DTranspose(4, 3, strides=3, output_padding=2, padding="same")(y),
        ],
        lambda x, y, k, b, kernel, bias: [
            transposed(x, k, 2, output_padding=1) + b,
            transposed(y, kernel, 3, "same", output_padding=2) + bias,
        ],
    ),
    Case(
        "conv2d_transpose",
        {"x": floats(4, 3, 3), "y": floats(4, 3, 2, known=True), "z": floats(4, 3, 2)},
        lambda x, y, z: [
            L.Conv2DTranspose(4, (3, 2), strides=(2, 1), kernel_regularizer="l2")(x),
            L.Dense(2)(L.Flatten()(L.Conv2DTranspose(5, 3, strides=2, padding="same", use_bias=False)(y))),
            L.Conv2DTranspose(2, 2, dilation_rate=(2, 2), padding="same", activation="tanh")(z),
        ],
        lambda x, y, z, *w: conv2d_transpose(x, y, z, *w),
    ),
    Case(
        "conv2d_transpose_channels_first",
        {"x": floats(3, 4, 5, known=True)},
        lambda x: L.Conv2DTranspose(4, (3, 2), strides=2, output_padding=1, data_format="channels_first")(x),
        lambda x, kernel, bias: first(transposed(last(x), kernel, 2, output_padding=1) + bias),
    ),
]


def conv2d_transpose(x, y, z, flat, k, b, matrix, shift, kernel, bias):
    made = transposed(y, flat, 2, "same").reshape(2, -1)
    return [
        transposed(x, k, (2, 1)) + b,
        made @ matrix + shift,
        np.tanh(transposed(z, kernel, 1, "same", 2) + bias),
    ]


def softmax(x):
    e = np.exp(x)
    return e / e.sum(-1, keepdims=True)


def elu(x):
    return np.where(x > 0, x, np.expm1(x))
