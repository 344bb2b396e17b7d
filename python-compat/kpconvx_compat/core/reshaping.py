"""Layers that bring tensors into another shape."""

import numpy as np

from kpconvx_compat.backend import keras
from kpconvx_compat.core.case import Case, floats, integers
from kpconvx_compat.core.spatial import last

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
]
