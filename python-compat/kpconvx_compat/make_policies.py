"""Writes a small network of each dtype policy, and what the installed Keras computes.

    python -m kpconvx_compat.make_policies DIRECTORY
"""

import os
import sys

import keras
import numpy as np

POLICIES = ["float32", "float64", "mixed_float16", "mixed_bfloat16", "float16", "bfloat16"]
VERSION = ".".join(keras.__version__.split(".")[:2])
KERAS_2 = VERSION.startswith("2")


def network(policy):
    if KERAS_2:
        keras.mixed_precision.set_global_policy(policy)
    else:
        keras.config.set_dtype_policy(policy)
    keras.utils.set_random_seed(7)
    layers = keras.layers
    x = keras.Input((5, 4), name="x", dtype="float64" if policy == "float64" else "float32")
    y = layers.Dense(6, activation="tanh", name="first", bias_initializer="random_normal")(x)
    z = layers.PReLU(shared_axes=[1], alpha_initializer="random_uniform", name="slope")(y)
    both = layers.Concatenate(name="both")([y, z])
    # A layer of another type among the others, as is usual for the last ones.
    fixed = layers.Dense(4, activation="softmax", dtype="float32", name="fixed")(both)
    products = layers.Dot(axes=(2, 2), name="products")([both, both])
    flat = layers.Reshape((25,), name="flat")(products)
    last = layers.Dense(3, activation="elu", name="last")(flat)
    return keras.Model(x, [last, fixed], name="net")


def main(directory):
    os.makedirs(directory, exist_ok=True)
    for policy in POLICIES:
        model = network(policy)
        kind = "float64" if policy == "float64" else "float32"
        x = np.random.default_rng(3).normal(size=(2, 5, 4)).astype(kind)
        outputs = [y.numpy() for y in model(x)]
        name = os.path.join(directory, f"{policy}-keras-{VERSION}")
        model.save(name + ".keras")
        golden = {f"output_{i}": y.astype("float64") for i, y in enumerate(outputs)}
        np.savez(name + ".npz", x=x, **golden)


if __name__ == "__main__":
    main(sys.argv[1])
