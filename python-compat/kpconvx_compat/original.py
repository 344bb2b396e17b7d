"""The layer held as VL3D holds it, to write files laid out like those of the original."""

import tensorflow as tf

from kpconvx_compat.backend import keras
from kpconvx_compat.layer import BUILT_FLAGS, KPConvXBase


class KPConvXLayer(KPConvXBase):
    """A KPConvX layer whose Q is a bare TensorFlow variable.

    A SavedModel carries such a variable, `.keras` and `.weights.h5` do not. The class is not registered, so a
    configuration names it by the original's module; it is read with `custom_objects={"KPConvXLayer": KPConvXLayer}`.
    The configuration spells out the batch normalizations and the flags of what is built.
    """

    __module__ = "src.model.deeplearn.layer.kpconvx_layer"

    def build(self, input_shape):
        super().build(input_shape)
        for key in BUILT_FLAGS:
            setattr(self, key, True)

    def _build_kernel_points(self):
        self.Q = tf.Variable(self.Q_initializer(dtype=self.variable_dtype), trainable=self.deformable, name="Q")

    def get_config(self):
        """As `KPConvXBase.get_config`, with every batch normalization serialized."""
        normalizations = {
            key: [keras.layers.serialize(layer) for layer in getattr(self, key)]
            for key in ("bn_phi", "bn_htilde", "bn_hhat")
        }
        return {**super().get_config(), **normalizations}
