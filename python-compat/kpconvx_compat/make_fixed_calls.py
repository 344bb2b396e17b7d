"""Models of Keras 2 in which layers are called with `training=False`, and what three epochs make of them.

    .venv-tfkeras/bin/python -m kpconvx_compat.make_fixed_calls ../savedmodels/training_keras2

Keras 2 holds to the argument when such a model is fitted; Keras 3 overrides it.
"""

import os
import sys

import numpy as np
import tf_keras as keras

BATCH = 32
EPOCHS = 3
RATE = 0.05


def normalization():
    """A normalization by itself."""
    x = keras.Input((5,), name="x")
    y = keras.layers.Dense(8, name="lower")(x)
    y = keras.layers.BatchNormalization(name="norm")(y, training=False)
    return keras.Model(x, keras.layers.Dense(2, "softmax", name="head")(y))


def nested():
    """A model, and with it all that it is made of: a model of its own, what drops, what is regularized."""
    inner_in = keras.Input((8,))
    inner = keras.Model(inner_in, keras.layers.BatchNormalization(name="inner_norm")(inner_in), name="inner")
    base_in = keras.Input((5,))
    y = keras.layers.Dense(8, name="lower", activity_regularizer=keras.regularizers.L2(0.1))(base_in)
    y = keras.layers.Dropout(0.5, name="drop")(inner(y))
    base = keras.Model(base_in, y, name="base")
    x = keras.Input((5,), name="x")
    y = base(x, training=False)
    y = keras.layers.BatchNormalization(name="norm", momentum=0.8)(y)
    return keras.Model(x, keras.layers.Dense(2, "softmax", name="head")(y))


def twice():
    """A normalization that is called in both ways."""
    x = keras.Input((5,), name="x")
    shared = keras.layers.BatchNormalization(name="norm", momentum=0.8)
    y = keras.layers.Dense(5, name="middle")(shared(x, training=False))
    return keras.Model(x, keras.layers.Dense(2, "softmax", name="head")(shared(y)))


def write(folder, make, seed):
    keras.utils.set_random_seed(seed)
    random = np.random.default_rng(seed)
    model = make()
    model.set_weights([random.uniform(0.2, 1, w.shape) * random.choice([-1, 1], w.shape)
                       if "variance" not in w.name else random.uniform(0.5, 1.5, w.shape) for w in model.weights])
    x = (random.normal(size=(BATCH, 5)) + 1).astype("float32")
    labels = random.integers(0, 2, BATCH).astype("int32")
    os.makedirs(folder)
    model.save(os.path.join(folder, "model.h5"))
    np.savez(os.path.join(folder, "data.npz"), x=x, labels=labels)
    model.compile(keras.optimizers.SGD(RATE), "sparse_categorical_crossentropy")
    losses = model.fit(x, labels, BATCH, EPOCHS, verbose=0, shuffle=False).history["loss"]
    weights = {"weights/" + w.name.removesuffix(":0"): w.numpy() for w in model.weights}
    np.savez(os.path.join(folder, "golden.npz"), losses=np.array(losses, "float32"), **weights)


if __name__ == "__main__":
    for number, case in enumerate((normalization, nested, twice)):
        write(os.path.join(sys.argv[1], f"tf_keras-{keras.__version__}", case.__name__), case, 401 + number)
