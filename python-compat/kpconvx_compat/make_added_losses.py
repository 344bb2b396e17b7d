"""A model whose layers add losses when they are called, and what three steps of Adam make of it.

    .venv-latest/bin/python -m kpconvx_compat.make_added_losses ../savedmodels/training_added_losses

Keras adds them in training and in evaluation, those of activities for each element of the batch (Keras 3 before 3.14 for
before and after it, for the whole batch).
"""

import os
import sys

import numpy as np
import keras

from kpconvx_compat.vl3d.features import HourglassLayer

EXAMPLES = 4
POINTS = 7
EPOCHS = 3
RATE = 0.02


def make():
    """Two layers of two weights, one of which adds the spectral loss, and a layer of activities that is called twice."""
    x = keras.Input((None, 5), name="x")
    y = HourglassLayer(4, 6, beta=0.3, W1_regularizer="l2", activation2=None, name="narrow")(x)
    again = keras.layers.Dense(
        6, "tanh", kernel_regularizer=keras.regularizers.L1(0.01), activity_regularizer=keras.regularizers.L2(0.05), name="again"
    )
    y = HourglassLayer(3, 6, regularize=False, name="plain")(again(again(y)))
    return keras.Model(x, keras.layers.Dense(3, "softmax", name="head")(y))


def write(folder, seed):
    keras.utils.set_random_seed(seed)
    random = np.random.default_rng(seed)
    model = make()
    x = random.normal(size=(EXAMPLES, POINTS, 5)).astype("float32")
    labels = random.integers(0, 3, (EXAMPLES, POINTS)).astype("int32")
    os.makedirs(folder)
    model.save(os.path.join(folder, "model.keras"))
    np.savez(os.path.join(folder, "data.npz"), x=x, labels=labels)
    model.compile(keras.optimizers.Adam(RATE), "sparse_categorical_crossentropy", jit_compile=False)
    evaluated = [model.evaluate(x, labels, 1, verbose=0)]
    losses = model.fit(x, labels, EXAMPLES, EPOCHS, verbose=0, shuffle=False).history["loss"]
    evaluated.append(model.evaluate(x, labels, 1, verbose=0))
    weights = {"weights/" + w.path: w.numpy() for w in model.weights}
    np.savez(
        os.path.join(folder, "golden.npz"),
        losses=np.array(losses, "float32"),
        evaluated=np.array(evaluated, "float32"),
        **weights,
    )


if __name__ == "__main__":
    write(os.path.join(sys.argv[1], f"keras-{keras.__version__}"), 431)
