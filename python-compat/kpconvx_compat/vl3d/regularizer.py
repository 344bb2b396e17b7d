"""The regularizer of the T-nets."""

import tensorflow as tf

from kpconvx_compat.backend import keras
from kpconvx_compat.vl3d.common import PACKAGE


class FeaturesOrthogonalRegularizer(keras.regularizers.Regularizer):
    """l2reg times how far from orthogonal the matrices are that the rows of an activity (B, num_features²) hold.

    For B > 1 the products of different matrices are mixed, as the original has it.
    """

    __module__ = f"{PACKAGE}.regularizer.features_orthogonal_regularizer"

    def __init__(self, num_features, l2reg=0.001):
        self.num_features, self.l2reg = num_features, l2reg

    def __call__(self, x):
        n = self.num_features
        x = tf.reshape(x, (-1, n, n))
        products = tf.reshape(tf.tensordot(x, x, axes=(2, 2)), (-1, n, n))
        return self.l2reg * tf.reduce_sum(tf.square(products - tf.eye(n)))

    def get_config(self):
        return {"num_features": self.num_features, "l2reg": self.l2reg}
