"""Running and training models of VL3D's layers."""

import numpy as np
import tensorflow as tf

from kpconvx_compat.backend import keras
from kpconvx_compat.vl3d import files


def outputs(model, inputs):
    """The outputs of a model in inference."""
    found = model(files.feed(model, inputs), training=False)
    found = found if isinstance(found, (list, tuple)) else [found]
    return {f"output_{i}": np.asarray(value) for i, value in enumerate(found)}


def train(model, inputs, learning_rate, steps=1, seed=0, epsilon=1e-7):
    """Takes steps of Adam on the sum of the mean squared differences from targets and of the regularization losses.

    The targets are target_0 … of the inputs, or drawn from the seed. Returns arrays by name: `weight_<i>` in Keras's
    order, `gradient_<i>` of the first step, `bare.<layer>.<variable>`, `loss` (steps) before each step, `target_<i>`, and `output_<i>` afterwards.
    """
    feed = files.feed(model, inputs)
    rng = np.random.default_rng([seed, 2])
    targets = {
        name: inputs[f"target_{i}"] if f"target_{i}" in inputs else rng.standard_normal(y.shape).astype(np.float32)
        for i, (name, y) in enumerate(outputs(model, inputs).items())
    }
    optimizer = keras.optimizers.Adam(learning_rate, epsilon=epsilon)
    weights = model.trainable_weights
    losses = []
    first = {}
    for _ in range(steps if weights else 0):
        with tf.GradientTape() as tape:
            found = model(feed, training=True)
            found = found if isinstance(found, (list, tuple)) else [found]
            pairs = zip(found, targets.values(), strict=True)
            loss = tf.add_n([*(tf.reduce_mean(tf.square(y - target)) for y, target in pairs), *model.losses])
        losses.append(float(loss))
        places = [weight if isinstance(weight, tf.Variable) else weight.value for weight in weights]
        gradients = tape.gradient(loss, places)
        if len(losses) == 1:
            first = {id(weight): gradient for weight, gradient in zip(weights, gradients, strict=True)}
        optimizer.apply_gradients(zip(gradients, weights))
    return {
        **{
            f"gradient_{i}": tf.convert_to_tensor(first[id(weight)]).numpy()
            for i, weight in enumerate(model.weights)
            if first.get(id(weight)) is not None
        },
        **{f"weight_{i}": np.asarray(weight) for i, weight in enumerate(model.weights)},
        **{f"bare.{name}": variable.numpy() for name, variable in files.bare_variables(model).items()},
        "loss": np.array(losses),
        **{name.replace("output", "target"): target for name, target in targets.items()},
        **outputs(model, inputs),
    }
