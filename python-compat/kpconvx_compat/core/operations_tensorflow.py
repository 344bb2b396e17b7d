"""Functions of TensorFlow in functional models of Keras 2, which keeps them as TFOpLambda and SlicingOpLambda."""

import numpy as np
import tensorflow as tf

from kpconvx_compat.core.case import Case, floats, integers

COLUMNS = np.array([1.0, 2.0, 3.0, 4.0], dtype="float32")


def case(name, inputs, layers, oracle, **more):
    return Case(f"operations_tensorflow_{name}", inputs, layers, oracle, versions=("2.15",), **more)


CASES = [
    case(
        "arithmetic",
        {"x": floats(5, 4), "y": floats(5, 4, low=0.5), "i": integers(9, 4)},
        lambda x, y, i: [
            x + 1,
            1 - x,
            x * COLUMNS,
            2.0 / y,
            -x,
            abs(x),
            x**2,
            y // 2.0,
            x % 0.7,
            tf.maximum(x, 0.3),
            tf.math.squared_difference(x, y),
            tf.sqrt(y),
            tf.exp(x),
            tf.clip_by_value(x, -0.5, 0.5),
            tf.cast(i, tf.float32),
            tf.where(x > 0, x, -y),
            i + 1,
            tf.add_n([x, y]),
            tf.math.rsqrt(y),
        ],
        lambda x, y, i: [
            x + 1,
            1 - x,
            x * COLUMNS,
            2.0 / y,
            -x,
            np.abs(x),
            x**2,
            y // 2.0,
            np.mod(x, 0.7),
            np.maximum(x, 0.3),
            (x - y) ** 2,
            np.sqrt(y),
            np.exp(x),
            np.clip(x, -0.5, 0.5),
            np.float64(i),
            np.where(x > 0, x, -y),
            i + 1,
            x + y,
            y**-0.5,
        ],
    ),
]
