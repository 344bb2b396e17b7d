"""One step of training as Keras takes it, and how closely float32 can determine it."""

import json

import keras
import numpy as np
import tensorflow as tf

from kpconvx_compat import oracle
from kpconvx_compat.cases import Undetermined, kpconvx_layers, weights_by_layer

NORMALIZATIONS = ("bn_phi", "bn_htilde", "bn_hhat")
OPTIMIZERS = {
    "sgd": lambda: keras.optimizers.SGD(learning_rate=0.05),
    "adam": lambda: keras.optimizers.Adam(learning_rate=0.001),
}
TOLERANCE = 1e-4  # how closely gradients are compared, in parts of a tensor's largest element
SMALL = 1e-2  # in parts of the model's largest gradient: a tensor whose own is below is compared with this
ROUNDING = 0.25  # the part of the tolerance that float32 may use up here, so that another float32 does not use up the rest
NUDGE = 4e-6  # in parts of a number: more than float32 rounds it by


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
    found.update({f"{layer.name}/near_tie": stages[layer.name]["near_tie"] for layer in kpconvx_layers(model)})
    return {name: np.asarray(value) for name, value in found.items()}


def require_determined(model, inputs, found):
    """Raises Undetermined unless rounding leaves every gradient in `found`, which `golden` gave, within TOLERANCE.

    They are compared with what float64 gives, and that with what float64 gives when every number is nudged, so that
    no point is as near to a tie, a clamp or an activation's kink as rounding could carry it. X and Q are nudged by one
    factor: where a neighbour lies exactly on a kernel point, it still does. The scale of a tensor is its largest
    element, and at least SMALL of the model's: the terms of a bias ahead of a batch normalization cancel, all of them
    or all but its regularizer's, and what rounding leaves then follows the terms, not their sum. As how much that is
    depends on the order of adding, it may be ROUNDING of the tolerance at most.
    """
    twin = in_float64(model)
    exact = _float64_gradients(twin, inputs)
    largest = max(np.abs(gradient).max() for gradient in exact.values())
    ties = [name for name, value in found.items() if name.endswith("/near_tie") and value.any()]
    if ties:
        raise Undetermined(f"some neighbours are equally far from two kernel points: {', '.join(ties)}")
    nudged = [("a nudge", TOLERANCE, _nudged_gradients(twin, inputs, sign)) for sign in (1.0, -1.0)]
    for what, allowed, others in [("float32", ROUNDING * TOLERANCE, found), *nudged]:
        for name, gradient in exact.items():
            scale = max(np.abs(gradient).max(), SMALL * largest)
            difference = np.abs(others[name] - gradient).max() / scale
            if not difference <= allowed:
                raise Undetermined(f"{what} moves {name} by {difference:.1e} of its scale, more than {allowed:.1e}")


def _float64_gradients(twin, inputs):
    stored = twin.get_weights()
    computed = gradients(twin, inputs)
    twin.set_weights(stored)
    return {name: value.numpy() for name, value in computed.items() if name.startswith("gradient/")}


def _nudged_gradients(twin, inputs, sign):
    rng, nudge = np.random.default_rng(0), sign * NUDGE
    stored = twin.get_weights()
    for name, weight in qualified_weights(twin).items():
        weight.assign(weight * (1.0 + nudge * (1.0 if name.endswith("/Q") else rng.uniform(-1.0, 1.0, weight.shape))))
    x = inputs["X"].astype(np.float64) * (1.0 + nudge)
    f = inputs["F"] * (1.0 + nudge * rng.uniform(-1.0, 1.0, inputs["F"].shape))
    nudged = _float64_gradients(twin, {**inputs, "X": x, "F": f})
    twin.set_weights(stored)
    return nudged


def in_float64(model):
    """A model that computes the same in float64."""
    twin = keras.models.model_from_json(model.to_json().replace('"float32"', '"float64"'))
    regularizers = [weight.regularizer for weight in twin.weights]
    for regularizer in [*regularizers, *(layer.activity_regularizer for layer in twin.layers)]:
        for key, value in vars(regularizer).items() if regularizer else ():
            if tf.is_tensor(value):
                setattr(regularizer, key, float(value))  # some hold their factor as a float32 tensor, come what may
    twin.set_weights([np.asarray(weight, np.float64) for weight in model.get_weights()])
    return twin


def _feed(model, inputs):
    return [tf.constant(inputs[tensor.name], tensor.dtype) for tensor in model.inputs]


def _outputs(model, feed, training):
    outputs = model(feed, training=training)
    return outputs if isinstance(outputs, (list, tuple)) else [outputs]
