"""Writes the small models that the tests of io.github.kpconvx.keras read.

    python keras_small_model.py

with TensorFlow 2.18.0 + Keras 3.6.0, TensorFlow 2.21.0 + Keras 3.15.1 and TensorFlow 2.15.1 + Keras 2.15.0. Writes into
the test resources, for each way NAME of holding the kernel points Q, and the version V of Keras:

    NAME-V.keras          the trained model, optimizer state included
    NAME-V.h5             the same in one HDF5 file
    NAME-V.weights.h5     its weights alone
    NAME-V/               its SavedModel (of Keras 3: bare and frozen only)
    NAME.json             every weight by its qualified name, in Keras 3's order: shape, trainable, values

bare: Q is a tf.Variable that Keras 3 does not know; frozen: a weight that is not trainable; deformable: a trainable one.
Also class_names.json: what Keras 3 makes of class names in the paths of a weight file.
"""

import json
import os
import pathlib

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

from kpconvx_compat.backend import KERAS_2, keras  # noqa: E402

HERE = pathlib.Path(__file__).parents[2] / "src/test/resources/io/github/kpconvx/keras"
CLASS_NAMES = [
    "KPConvXLayer", "LeakyReLU", "ReLU", "PReLU", "ELU", "Dense", "EinsumDense", "BatchNormalization", "InputLayer",
    "Conv1D", "Conv1DTranspose", "DepthwiseConv2D", "GlobalAveragePooling1D", "GRUCell", "LSTM", "RNN", "TFSMLayer",
    "UpSampling2D", "MultiHeadAttention", "Functional", "Sequential", "My_Layer", "_Private", "A", "aB", "ABc", "AbC",
    "ABCDef", "Layer2Go", "X9Y", "HTTPServer2XML", "kp", "KP2DConvX", "AaBbCc", "Été", "ÉtéLayer",
]


class KPConvXLayer(keras.layers.Layer):
    """The weights of a KPConvX layer without its arithmetic: three kernel points, four channels."""

    def __init__(self, q, **kwargs):
        super().__init__(**kwargs)
        self.q = q
        if not KERAS_2:
            self.seed_generator = keras.random.SeedGenerator(1)

    def build(self, shape):
        channels = shape[-1]
        if self.q == "bare":
            self.Q = tf.Variable(tf.zeros((3, 3)), trainable=False, name="Q")
        else:
            self.Q = self.add_weight(shape=(3, 3), trainable=self.q == "deformable", name="Q")
        self.W = self.add_weight(shape=(2, 3, channels), name="W")
        self.phi = self.add_weight(shape=(2, channels), name="phi")
        self.bn_phi = [keras.layers.BatchNormalization() for _ in range(2)]
        for normalization in self.bn_phi:
            with tf.name_scope(normalization.name):
                normalization.build((None, channels))

    def get_config(self):
        return {**super().get_config(), "q": self.q}

    def call(self, x, training=False):
        for t, normalization in enumerate(self.bn_phi):
            x = x + normalization(x * self.W[t, 0] + self.phi[t] + tf.reduce_sum(self.Q), training=training)
        return x


def make(q):
    keras.backend.clear_session()
    keras.utils.set_random_seed(7)
    inputs = keras.Input((4,), name="F")
    x = keras.layers.Dense(4, name="stem")(inputs)
    x = KPConvXLayer(q, name="kp")(x)
    x = keras.layers.Dropout(0.5)(x)
    x = KPConvXLayer(q)(x)
    neck = [keras.Input((4,)), keras.layers.Dense(4, use_bias=False), keras.layers.LeakyReLU(), keras.layers.Dense(4)]
    x = keras.Sequential(neck, name="neck")(x)
    model = keras.Model(inputs, keras.layers.Dense(2, name="head")(x))
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(np.ones((4, 4)), np.ones((4, 2)), epochs=1, verbose=0)
    return model


def kpconvx(layer):
    own = [("W", layer.W, True), ("phi", layer.phi, True)]
    own.insert(0 if layer.q == "deformable" else 2, ("Q", layer.Q, layer.q == "deformable"))
    for name, variable, trainable in own:
        yield f"{layer.name}/{name}", variable, trainable
    for t, normalization in enumerate(layer.bn_phi):
        for name in ("gamma", "beta", "moving_mean", "moving_variance"):
            yield f"{layer.name}/bn_phi/{t}/{name}", getattr(normalization, name), "moving" not in name


def own_name(variable):
    """Keras 2 calls it stem/kernel:0."""
    return variable.name.split("/")[-1].split(":")[0]


def weights(model):
    for layer in model.layers:
        if isinstance(layer, KPConvXLayer):
            yield from kpconvx(layer)
        elif isinstance(layer, keras.Sequential):
            for i, dense in ((0, layer.layers[0]), (2, layer.layers[2])):
                for variable in dense.weights:
                    yield f"{layer.name}/layers/{i}/{own_name(variable)}", variable, True
        else:
            for variable in layer.weights:
                yield f"{layer.name}/{own_name(variable)}", variable, True


def main():
    version = keras.__version__
    for q in ("bare", "frozen", "deformable"):
        model = make(q)
        golden = []
        for i, (name, variable, trainable) in enumerate(weights(model)):
            values = (100 * i + np.arange(np.prod(variable.shape), dtype="float32")).reshape(variable.shape)
            variable.assign(values)
            golden.append({"name": name, "shape": list(values.shape), "trainable": trainable,
                           "values": values.ravel().tolist()})
        model.save(HERE / f"{q}-{version}.keras")
        model.save(HERE / f"{q}-{version}.h5")
        model.save_weights(HERE / f"{q}-{version}.weights.h5")
        if KERAS_2:
            model.save(HERE / f"{q}-{version}", save_format="tf", save_traces=False)
        elif q != "deformable":
            model.export(HERE / f"{q}-{version}", verbose=False)
        (HERE / f"{q}.json").write_text(json.dumps(golden, indent=0) + "\n")
    if KERAS_2:
        return
    snake = {name: keras.src.utils.naming.to_snake_case(name) for name in CLASS_NAMES}
    (HERE / "class_names.json").write_text(json.dumps(snake, indent=0) + "\n")


if __name__ == "__main__":
    main()
