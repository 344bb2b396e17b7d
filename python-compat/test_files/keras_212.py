"""Writes keras-2.12.0/ among the Java test resources: one model in every form in which Keras 2.12 stores it.

    python keras_212.py

with TensorFlow 2.12.0 + Keras 2.12.0, the versions that VL3D pins. Its zip and its weights of the newer kind list each
layer that has weights twice, which other versions do not.

    hdf5.keras            what save(…, save_format="keras") writes: HDF5
    zip.keras             what save_format="keras_v3" writes, with the state of an optimizer
    model.weights.h5      weights, of the newer kind
    legacy.h5             weights in the layout of Keras 2
    checkpoint.model.*    weights as a TensorFlow checkpoint, with the state of an optimizer, as ModelCheckpoint leaves it
    config.json           what model.to_json() gives
    inputs.npz, golden.npz    X and the model's output for it
"""

import os
import pathlib

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

keras = tf.keras
layers = keras.layers
HERE = pathlib.Path(__file__).parents[2] / "src/test/resources/io/github/kpconvx/keras/keras-2.12.0"


def make():
    """Classes with and without weights, several layers of each, nested models of both kinds, one called twice."""
    x = keras.Input((5, 3), name="X")
    h = layers.ReLU(name="first_relu")(x)
    h = layers.Dense(4, name="stem")(h)
    h = layers.BatchNormalization(name="stem_norm")(h)
    h = layers.ReLU(name="second_relu")(h)
    h = layers.Dense(4, use_bias=False, name="deep")(h)
    h = layers.BatchNormalization(scale=False, name="deep_norm")(h)
    inner_input = keras.Input((5, 4), name="inner_input")
    inner_output = layers.Dense(4, name="inner_one")(inner_input)
    inner_output = layers.BatchNormalization(name="inner_norm")(inner_output)
    inner_output = layers.Dense(4, name="inner_two")(inner_output)
    inner = keras.Model(inner_input, inner_output, name="inner")
    chain = keras.Sequential([layers.Dense(4, name="chain_one"), layers.ReLU(), layers.Dense(4, name="chain_two")], name="chain")
    h = inner(h)
    h = chain(h)
    h = inner(h)
    frozen = layers.Dense(4, name="frozen")
    h = frozen(h)
    frozen.trainable = False
    h = layers.Concatenate(name="join")([h, x])
    h = layers.Dropout(0.5, name="drop")(h)
    return keras.Model(x, layers.Dense(2, activation="softmax", name="head")(h), name="small")


def main():
    assert tf.__version__ == "2.12.0", tf.__version__
    keras.utils.set_random_seed(12)
    model = make()
    model.compile(keras.optimizers.Adam(), "mse", metrics=["mae"])
    random = np.random.default_rng(12)
    x = random.normal(size=(8, 5, 3)).astype(np.float32)
    y = random.uniform(size=(8, 5, 2)).astype(np.float32)
    model.fit(x, y, epochs=3, verbose=0)
    HERE.mkdir(exist_ok=True)
    model.save(HERE / "hdf5.keras", save_format="keras")
    model.save(HERE / "zip.keras", save_format="keras_v3")
    model.save_weights(HERE / "model.weights.h5", save_format="h5")
    model.save_weights(HERE / "legacy.h5", save_format="h5")
    model.save_weights(str(HERE / "checkpoint.model"), save_format="tf")
    (HERE / "config.json").write_text(model.to_json())
    x = random.normal(size=(2, 5, 3)).astype(np.float32)
    np.savez(HERE / "inputs.npz", X=x)
    np.savez(HERE / "golden.npz", output_0=model.predict(x, verbose=0))


if __name__ == "__main__":
    main()
