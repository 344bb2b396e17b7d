"""What VL3D's layers share."""

import numpy as np
import tensorflow as tf

from kpconvx_compat.backend import keras

SMALLEST_SQUARE = 1e-36  # a normal float32 whose root, 1e-18, vanishes beside any distance that matters
PACKAGE = "src.model.deeplearn"  # the package of VL3D's layers, as files name it


class Layer(keras.layers.Layer):
    """A layer with tensors of float32, whatever the policy.

    BARE: the names of those that are made past Keras. `training` and `mask` change nothing.
    """

    BARE = ()

    def _tensor(self, name, shape, initializer, regularizer=None, constraint=None, trainable=True):
        """A weight of Keras's. No initializer means glorot_uniform, for a bias too."""
        return self.add_weight(
            name=name,
            shape=shape,
            initializer=initializer or "glorot_uniform",
            regularizer=regularizer,
            constraint=constraint,
            trainable=trainable,
            dtype="float32",
        )

    @staticmethod
    def _bare(name, value, trainable):
        """A weight that is made past Keras."""
        return tf.Variable(tf.cast(value, tf.float32), trainable=trainable, name=name)


def gathered(values, n):
    """The rows of values (B, R, D) that n (B, R_b, κ) names, (B, R_b, κ, D)."""
    return tf.gather(values, n, axis=1, batch_dims=1)


def differences(xa, xb, n):
    """From each of the points xb (B, R_b, 3) to its neighbours among xa (B, R_a, 3), (B, R_b, κ, 3)."""
    return gathered(xa, n) - xb[:, :, None, :]


def squares(x, q):
    """The squared distances of points x (…, 3) from q (K, 3), (…, K), summed axis by axis to save room."""
    return tf.add_n([tf.square(x[..., axis, None] - q[:, axis]) for axis in range(3)])


def root(square):
    """The square root, whose gradient at 0 is 0; the original's is NaN there."""
    return tf.sqrt(tf.maximum(square, SMALLEST_SQUARE))


def array(value, dtype=None):
    """An array of a configuration, which holds it as it is, as a list or as Keras's `__numpy__` object."""
    if isinstance(value, dict):
        value = np.array(value["config"]["value"], value["config"]["dtype"])
    return np.asarray(value, dtype)


def rules(config, prefix):
    """initializer, regularizer and constraint of a tensor, from their configurations."""
    return (
        keras.initializers.get(config[f"{prefix}initializer"]),
        keras.regularizers.get(config[f"{prefix}regularizer"]),
        keras.constraints.get(config[f"{prefix}constraint"]),
    )


def written_rules(prefix, made):
    """The configurations of what `rules` gave."""
    initializer, regularizer, constraint = made
    return {
        f"{prefix}initializer": initializer and keras.initializers.serialize(initializer),
        f"{prefix}regularizer": regularizer and keras.regularizers.serialize(regularizer),
        f"{prefix}constraint": constraint and keras.constraints.serialize(constraint),
    }
