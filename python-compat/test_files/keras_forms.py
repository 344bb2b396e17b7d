"""Writes forms/ among the Java test resources: one model in the rarer forms in which Keras 3 stores it.

    python keras_forms.py

with TensorFlow 2.21.0 + Keras 3.15.1.

    unzipped/                  what save_model(…, zipped=False) writes: an archive as a folder
    sharded.weights.json       weights cut into several files, sharded_00000.weights.h5 and so on; one layer's lie in two
    model.h5                   the whole model in HDF5, whose configuration names no modules, as Keras 2's
    config.json                what model.to_json() gives
    inputs.npz, golden.npz     X and the model's output for it
"""

import os
import pathlib
import shutil

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras  # noqa: E402
import numpy as np  # noqa: E402

HERE = pathlib.Path(__file__).parents[2] / "src/test/resources/io/github/kpconvx/keras/forms"


def make():
    """Keras 3's hard_sigmoid is another than Keras 2's."""
    x = keras.Input((5, 3), name="X")
    h = keras.layers.Dense(6, activation="hard_sigmoid", name="stem")(x)
    h = keras.layers.BatchNormalization(name="norm")(h)
    inner = keras.Sequential([keras.Input((5, 6)), keras.layers.Dense(6, name="inner_one"), keras.layers.ReLU()], name="inner")
    h = inner(h)
    h = keras.layers.Dense(8, activation="relu", name="wide")(h)
    return keras.Model(x, keras.layers.Dense(2, activation="hard_sigmoid", name="head")(h), name="small")


def main():
    assert keras.__version__ == "3.15.1", keras.__version__
    keras.utils.set_random_seed(15)
    model = make()
    model.compile("adam", "mse")
    random = np.random.default_rng(15)
    x = random.normal(size=(8, 5, 3)).astype(np.float32)
    model.fit(x, random.uniform(size=(8, 5, 2)).astype(np.float32), epochs=3, verbose=0)
    shutil.rmtree(HERE, ignore_errors=True)
    HERE.mkdir()
    keras.saving.save_model(model, HERE / "unzipped", zipped=False)
    model.save_weights(HERE / "sharded.weights.json", max_shard_size=200 / 1024**3)
    model.save(HERE / "model.h5")
    (HERE / "config.json").write_text(model.to_json())
    x = random.normal(size=(2, 5, 3)).astype(np.float32)
    np.savez(HERE / "inputs.npz", X=x)
    np.savez(HERE / "golden.npz", output_0=model.predict(x, verbose=0))


if __name__ == "__main__":
    main()
