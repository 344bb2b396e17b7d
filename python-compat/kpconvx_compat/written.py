"""Models that another program wrote, in Keras: python -m kpconvx_compat.written WRITTEN [--keep CASE] [--export CASE]

WRITTEN/<case> holds the model of original.keras, which Keras wrote, written anew as model.keras, model.weights.h5 and
saved_model/, beside inputs.npz, golden.npz (output_0 …, or a dictionary's keys) and, where Q is a bare variable,
kernel_points_<layer>.csv. Each file is opened as one that Keras wrote: without a new warning, every weight equal to the bit,
every output of Keras within 1e-6 of what the original computes here, every one of a SavedModel, which sums in another order,
within 1e-5, as all are of golden, which may be of another processor. A step of training, unless --keep says otherwise, makes of the model what it makes of the
original. Then the model goes on its way: WRITTEN/<case>/again gets model.keras, the kernel points, inputs.npz, golden.npz
with the outputs of that model and, with --export, saved_model/.
"""

import argparse
import warnings
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from kpconvx_compat import original
from kpconvx_compat.cases import kpconvx_layers
from kpconvx_compat.export import export_saved_model

TOLERANCE = 1e-6
# Of other orders of summation, be they another graph's or another processor's: Keras itself, compiled, is 1.0e-6 off.
ROUNDING_TOLERANCE = 1e-5
# Keras says so itself: only model.save of a compiled model carries the optimizer's state.
OPTIMIZER_WARNING = "Skipping variable loading for optimizer"
# The original's class is registered under no package, so Keras asks for it by its name.
CUSTOM_OBJECTS = {"KPConvXLayer": original.KPConvXLayer}


def load(path, kernel_points):
    """The model of an archive, with the bare Qs that the folder `kernel_points` has in kernel_points_<layer>.csv.

    Returns it and what Keras warned of.
    """
    model, messages = warned(lambda: keras.models.load_model(path, custom_objects=CUSTOM_OBJECTS))
    for layer in bare(model):
        layer.Q.assign(np.loadtxt(kernel_points / f"kernel_points_{layer.name}.csv", dtype="float32", ndmin=2))
    return model, messages


def warned(action):
    """The result of `action()`, and the messages of its warnings but those of an optimizer that starts anew."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = action()
    return result, {str(w.message) for w in caught if not str(w.message).startswith(OPTIMIZER_WARNING)}


def bare(model):
    """The layers whose Q is a bare variable."""
    return [layer for layer in kpconvx_layers(model) if isinstance(layer, original.KPConvXLayer)]


def feed(model, inputs):
    """A model's inputs in its order; not a list where there is one, as Keras warns of that."""
    tensors = [inputs[tensor.name] for tensor in model.inputs]
    return tensors if len(tensors) > 1 else tensors[0]


def outputs(result):
    """A model's outputs by name, whatever structure it gives them in."""
    if isinstance(result, dict):
        return {name: np.asarray(output) for name, output in result.items()}
    result = result if isinstance(result, (list, tuple)) else [result]
    return {f"output_{i}": np.asarray(output) for i, output in enumerate(result)}


def require_equal(what, expected, found):
    """Compares lists of variables to the bit."""
    assert len(expected) == len(found), f"{what}: {len(found)} weights, expected {len(expected)}"
    for i, (a, b) in enumerate(zip(expected, found)):
        a, b = np.asarray(a), np.asarray(b)
        assert a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes(), f"{what}: weight {i} differs"


def difference(what, golden, found, tolerance=TOLERANCE):
    """The largest difference of an output, relative to its value where that is above 1."""
    assert set(found) <= set(golden), f"{what}: gives {sorted(found)}"
    largest = 0.0
    for name, output in found.items():
        assert output.shape == golden[name].shape, f"{what}: {name} has shape {output.shape}"
        largest = max(largest, float(np.max(np.abs(output - golden[name]) / np.maximum(1, np.abs(golden[name])))))
    assert largest <= tolerance, f"{what}: outputs differ by {largest}"
    return largest


def check_saved_model(directory, model, inputs, golden):
    """Runs a SavedModel in every way there is; returns the largest difference from golden."""
    names = [tensor.name for tensor in model.inputs]
    loaded = tf.saved_model.load(str(directory))
    assert set(loaded.signatures) == {"serve", "serving_default"}
    largest = []
    for signature in loaded.signatures.values():
        result = signature(**{name: tf.constant(inputs[name]) for name in names})
        largest.append(difference(f"{directory} {signature.name}", golden, {k: v.numpy() for k, v in result.items()}, ROUNDING_TOLERANCE))
    largest.append(difference(f"{directory} serve", golden, outputs(loaded.serve(feed(model, inputs))), ROUNDING_TOLERANCE))
    require_equal(f"{directory} variables", model.weights, loaded.variables)
    require_equal(f"{directory} trainable", model.trainable_weights, loaded.trainable_variables)
    require_equal(f"{directory} all", [*model.weights, *[layer.Q for layer in bare(model)]], loaded._all_variables)
    layer = keras.layers.TFSMLayer(str(directory), call_endpoint="serve")
    largest.append(difference(f"{directory} TFSMLayer", golden, outputs(layer(feed(model, inputs))), ROUNDING_TOLERANCE))
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:  # as TensorFlow Serving runs it
        graph = tf.compat.v1.saved_model.loader.load(session, ["serve"], str(directory))
        signature = graph.signature_def["serving_default"]
        assert signature.method_name == "tensorflow/serving/predict"
        result = session.run(
            {name: tensor.name for name, tensor in signature.outputs.items()},
            {signature.inputs[name].name: inputs[name] for name in names},
        )
        largest.append(difference(f"{directory} session", golden, result, ROUNDING_TOLERANCE))
    return max(largest)


def check(folder):
    """Checks a case's files; returns the original, the model of the archive, and a line to print."""
    inputs, golden = dict(np.load(folder / "inputs.npz")), dict(np.load(folder / "golden.npz"))
    expected, as_always = load(folder / "original.keras", folder)
    model, messages = load(folder / "model.keras", folder)
    assert messages <= as_always, f"{folder}/model.keras: {messages - as_always}"
    require_equal(folder / "model.keras", expected.weights, model.weights)
    here = outputs(expected(feed(expected, inputs), training=False))
    difference(folder / "original.keras", golden, here, ROUNDING_TOLERANCE)
    in_keras = difference(folder / "model.keras", here, outputs(model(feed(model, inputs), training=False)))

    for weight in expected.weights:
        weight.assign(tf.fill(weight.shape, tf.constant(7, weight.dtype)))
    _, messages = warned(lambda: expected.load_weights(folder / "model.weights.h5"))
    assert not messages, f"{folder}/model.weights.h5: {messages}"
    require_equal(folder / "model.weights.h5", expected.weights, model.weights)

    in_tensorflow = check_saved_model(folder / "saved_model", model, inputs, here)
    line = f"{folder.name}: {len(model.weights)} weights equal, outputs within {in_keras:.1e}, SavedModel {in_tensorflow:.1e}"
    return expected, model, line


def train(original_model, model, inputs):
    """A step of training, which has to make the same of both models; returns the largest difference of a weight."""
    for a, b in zip(random_states(original_model), random_states(model), strict=True):
        b.assign(a)
    before = [weight.numpy() for weight in model.trainable_weights]
    for each in (original_model, model):
        keras.utils.set_random_seed(1)
        targets = [np.random.normal(size=tensor.shape) for tensor in outputs(each(feed(each, inputs))).values()]
        each.compile(keras.optimizers.SGD(0.01), ["mse"] * len(targets), run_eagerly=True)
        each.train_on_batch(feed(each, inputs), targets)
    moved = [not np.array_equal(a, b) for a, b in zip(before, model.trainable_weights)]
    assert not before or any(moved), "no weight was trained"
    return difference("trained", dict(enumerate(original_model.get_weights())), dict(enumerate(model.get_weights())))


def random_states(model):
    """What dropout draws from; no weight, and so in no file that is written here."""
    return [variable for variable in model.variables if variable.name == "seed_generator_state"]


def save_again(model, inputs, folder, export):
    """Writes the model and what it computes to a new folder, as a SavedModel too if `export`."""
    folder.mkdir()
    model.save(folder / "model.keras")
    if export:
        export_saved_model(model, folder / "saved_model")
    np.savez(folder / "inputs.npz", **inputs)
    np.savez(folder / "golden.npz", **outputs(model(feed(model, inputs), training=False)))
    for layer in bare(model):
        np.savetxt(folder / f"kernel_points_{layer.name}.csv", layer.Q.numpy(), fmt="%.9g")


def main():
    parser = argparse.ArgumentParser(description="Opens models that another program wrote, in Keras.")
    parser.add_argument("written", type=Path, help="folder of the models that are to be checked")
    parser.add_argument("--keep", metavar="CASE", action="append", default=[], help="does not train this one (repeatable)")
    parser.add_argument("--export", metavar="CASE", action="append", default=[], help="exports this one too (repeatable)")
    arguments = parser.parse_args()
    folders = sorted(path for path in arguments.written.iterdir() if path.is_dir())
    unknown = {*arguments.keep, *arguments.export} - {folder.name for folder in folders}
    assert folders and not unknown, f"{arguments.written} holds no models {sorted(unknown)}"
    for folder in folders:
        original_model, model, line = check(folder)
        inputs = dict(np.load(folder / "inputs.npz"))
        if folder.name not in arguments.keep:
            line += f", trained {train(original_model, model, inputs):.1e}"
        save_again(model, inputs, folder / "again", folder.name in arguments.export)
        print(line, flush=True)


if __name__ == "__main__":
    main()
