"""Networks as VL3D builds them."""

import numpy as np
import tensorflow as tf

from kpconvx_compat.backend import KERAS_2, keras
from kpconvx_compat.vl3d.regularizer import FeaturesOrthogonalRegularizer

L = keras.layers


def tnet(x, name, pre, post, l2reg=0.001, bn_momentum=0.0):
    """x (B, R, n), transformed by a matrix that a small network finds for the whole cloud.

    pre, post: channels of its layers before and after the maximum over the points.
    """
    n = x.shape[-1]
    y = x
    for i, channels in enumerate(pre, start=1):
        y = L.Conv1D(channels, 1, kernel_initializer="glorot_normal", name=f"{name}_pre{i}_f{channels}_conv1D")(y)
        y = L.BatchNormalization(momentum=bn_momentum, name=f"{name}_pre{i}_f{channels}_bn")(y)
        y = L.Activation("relu", name=f"{name}_pre{i}_f{channels}_relu")(y)
    y = L.GlobalMaxPooling1D(name=f"{name}_GMaxPool")(y)
    for i, channels in enumerate(post, start=1):
        y = L.Dense(channels, kernel_initializer="glorot_normal", name=f"{name}_post{i}_f{channels}_dense")(y)
        y = L.BatchNormalization(momentum=bn_momentum, name=f"{name}_post{i}_f{channels}_bn")(y)
        y = L.Activation("relu", name=f"{name}_post{i}_f{channels}_relu")(y)
    y = L.Dense(
        n * n,
        kernel_initializer="zeros",
        bias_initializer=keras.initializers.Constant(np.eye(n).flatten()),
        activity_regularizer=FeaturesOrthogonalRegularizer(n, l2reg),
        name=f"{name}_final",
    )(y)
    return L.Dot(axes=(2, 1), name=f"{name}_mm")([x, L.Reshape((n, n))(y)])
