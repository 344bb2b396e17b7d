"""The layer that src/site/port_a_layer.md ports to Java."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("example")
class ContextGate(keras.layers.Layer):
    """Scales each channel of F (B, R, D) by a gate in (0, 1) that follows from the mean of all R points."""

    def __init__(self, ratio=4, **kwargs):
        super().__init__(**kwargs)
        self.ratio = ratio

    def build(self, input_shape):
        channels = input_shape[-1]
        self.squeeze = keras.layers.Dense(channels // self.ratio, activation="relu", name="squeeze")
        self.squeeze.build((None, channels))
        self.excite = self.add_weight(shape=(channels // self.ratio, channels), name="excite")

    def call(self, inputs):
        context = self.squeeze(ops.mean(inputs, axis=1))
        gate = ops.sigmoid(ops.matmul(context, self.excite))
        return inputs * ops.expand_dims(gate, 1)

    def get_config(self):
        return {**super().get_config(), "ratio": self.ratio}
