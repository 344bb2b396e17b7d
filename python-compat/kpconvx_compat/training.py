"""One step of training as Keras takes it, and how closely float32 can determine it."""

import json
from contextlib import contextmanager

import keras
import numpy as np
import tensorflow as tf

from kpconvx_compat import oracle
from kpconvx_compat.cases import kpconvx_layers, weights_by_layer

NORMALIZATIONS = ("bn_phi", "bn_htilde", "bn_hhat")
OPTIMIZERS = {
    "sgd": lambda: keras.optimizers.SGD(learning_rate=0.05),
    "adam": lambda: keras.optimizers.Adam(learning_rate=0.001),
}


def qualified_weights(model):
    """Every weight by a name that does not depend on Keras's counters, in the model's order.

    A weight is `layer/weight`, one of a layer inside a KPConvX layer `layer/attribute/index/weight`, such as
    `conv/bn_phi/0/gamma`.
    """
    found = {}
    for layer in model.layers:
        parts = {f"{key}/{i}/": part for key in NORMALIZATIONS for i, part in enumerate(getattr(layer, key, []))}
        inner = {id(weight): name + weight.name for name, part in parts.items() for weight in part.weights}
        found.update({f"{layer.name}/{inner.get(id(w), w.name)}": w for w in layer.weights})
    return found


def targets(model, inputs, seed):
    """For each output an array of its shape, by the name `target_<i>`, drawn from the seed."""
    rng = np.random.default_rng([seed, 2])
    shapes = [output.shape for output in _outputs(model, _feed(model, inputs), training=False)]
    return {f"target_{i}": rng.standard_normal(shape).astype(np.float32) for i, shape in enumerate(shapes)}


def gradients(model, inputs):
    """One pass forward in training mode, which moves the moving statistics, and its gradients, by the golden names.

    inputs: X, F, N and target_<i>. Computes `output_<i>`; `loss`, the sum over the outputs of the mean squared
    difference from the target; `regularization`, the sum of `model.losses`; and of both together `gradient/<weight>`
    for every trainable weight and each layer's Q, `gradient/X` and `gradient/F`: zeros where the loss does not depend
    on it.
    """
    trainable = {id(weight) for weight in model.trainable_weights}
    kernel_points = {id(layer.Q) for layer in kpconvx_layers(model)}
    watched = {
        name: weight.value
        for name, weight in qualified_weights(model).items()
        if id(weight) in trainable | kernel_points
    }
    feed = _feed(model, inputs)
    watched |= {tensor.name: value for tensor, value in zip(model.inputs, feed) if value.dtype.is_floating}
    with tf.GradientTape() as tape:
        tape.watch(list(watched.values()))
        outputs = _outputs(model, feed, training=True)
        loss = tf.add_n(
            [tf.reduce_mean(tf.square(y - tf.cast(inputs[f"target_{i}"], y.dtype))) for i, y in enumerate(outputs)]
        )
        regularization = tf.add_n([tf.zeros_like(loss), *model.losses])
        total = loss + regularization
    found = tape.gradient(total, watched, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    return {
        **{f"output_{i}": output for i, output in enumerate(outputs)},
        "loss": loss,
        "regularization": regularization,
        **{f"gradient/{name}": tf.convert_to_tensor(found[name]) for name in watched},
    }


def golden(model, inputs):
    """All that a step of training computes, as arrays by the names told in savedmodels/README.md.

    inputs: X, F, N and target_<i>. The model is left as it was.
    """
    found = {}
    feed = _feed(model, inputs)
    stored = model.get_weights()
    for layer in kpconvx_layers(model):
        arrived = keras.Model(model.inputs, layer.input)(feed, training=True)
        found.update({f"{layer.name}/{key}": stage for key, stage in layer.stages(arrived, training=True).items()})
        model.set_weights(stored)
    computed = gradients(model, inputs)
    found.update(computed)
    moved = model.get_weights()
    weights = qualified_weights(model)
    names = {id(weight): name for name, weight in weights.items()}
    steps = [computed[f"gradient/{names[id(weight)]}"] for weight in model.trainable_weights]
    for key, optimizer in OPTIMIZERS.items():
        model.set_weights(moved)
        optimizer().apply(steps, model.trainable_weights)
        found.update({f"{key}/{name}": weight.numpy() for name, weight in weights.items()})
    model.set_weights(stored)
    _, stages = oracle.network(json.loads(model.to_json()), weights_by_layer(model), inputs)
    found.update({f"{name}/near_tie": stages[name]["near_tie"] for name in stages})
    return {name: np.asarray(value) for name, value in found.items()}


def in_float64(model):
    """A model that computes the same in float64."""
    with _floatx("float64"):
        twin = keras.models.model_from_json(model.to_json().replace('"float32"', '"float64"'))
    twin.set_weights([np.asarray(weight, np.float64) for weight in model.get_weights()])
    return twin


@contextmanager
def _floatx(name):
    before = keras.config.floatx()
    keras.config.set_floatx(name)
    yield
    keras.config.set_floatx(before)


def _feed(model, inputs):
    return [tf.constant(inputs[tensor.name], tensor.dtype) for tensor in model.inputs]


def _outputs(model, feed, training):
    outputs = model(feed, training=training)
    return outputs if isinstance(outputs, (list, tuple)) else [outputs]
