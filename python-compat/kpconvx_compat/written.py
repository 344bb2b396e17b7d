"""Models that another program wrote, in Keras: python -m kpconvx_compat.written ORIGINALS WRITTEN [--train]

WRITTEN/<case> holds the model of ORIGINALS/<case>/*.keras written anew, as model.keras, model.weights.h5 and saved_model/,
beside config.json, inputs.npz, golden.npz (output_0 …) and, where Q is a bare variable, kernel_points_<layer>.csv. Each
file is opened as one that Keras wrote: without a new warning, every weight equal to the bit, every output within 1e-6 of
golden. Then the model goes on its way: with --train a step is trained; WRITTEN/<case>/again gets model.keras, saved_model/,
the kernel points, inputs.npz and golden.npz with the outputs of that model.
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


def outputs(result):
    """A model's outputs by name, whatever structure it gives them in."""
    result = result if isinstance(result, (list, tuple)) else [result]
    return {f"output_{i}": np.asarray(output) for i, output in enumerate(result)}


def require_equal(what, expected, found):
    """Compares lists of variables to the bit."""
    assert len(expected) == len(found), f"{what}: {len(found)} weights, expected {len(expected)}"
    for i, (a, b) in enumerate(zip(expected, found)):
        a, b = np.asarray(a), np.asarray(b)
        assert a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes(), f"{what}: weight {i} differs"


def difference(what, golden, found):
    """The largest difference of an output, relative to its value where that is above 1."""
    assert set(found) <= set(golden), f"{what}: gives {sorted(found)}"
    largest = 0.0
    for name, output in found.items():
        assert output.shape == golden[name].shape, f"{what}: {name} has shape {output.shape}"
        largest = max(largest, float(np.max(np.abs(output - golden[name]) / np.maximum(1, np.abs(golden[name])))))
    assert largest <= TOLERANCE, f"{what}: outputs differ by {largest}"
    return largest


def check_saved_model(directory, model, inputs, golden):
    """Runs a SavedModel in every way there is; returns the largest difference from golden."""
    feed = [inputs[tensor.name] for tensor in model.inputs]
    names = [tensor.name for tensor in model.inputs]
    loaded = tf.saved_model.load(str(directory))
    assert set(loaded.signatures) == {"serve", "serving_default"}
    largest = []
    for signature in loaded.signatures.values():
        result = signature(**{name: tf.constant(inputs[name]) for name in names})
        largest.append(difference(f"{directory} {signature.name}", golden, {k: v.numpy() for k, v in result.items()}))
    argument = feed if len(feed) > 1 else feed[0]
    largest.append(difference(f"{directory} serve", golden, outputs(loaded.serve(argument))))
    require_equal(f"{directory} variables", model.weights, loaded.variables)
    require_equal(f"{directory} trainable", model.trainable_weights, loaded.trainable_variables)
    require_equal(f"{directory} all", [*model.weights, *[layer.Q for layer in bare(model)]], loaded._all_variables)
    layer = keras.layers.TFSMLayer(str(directory), call_endpoint="serve")
    largest.append(difference(f"{directory} TFSMLayer", golden, outputs(layer(argument))))
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:  # as TensorFlow Serving runs it
        graph = tf.compat.v1.saved_model.loader.load(session, ["serve"], str(directory))
        signature = graph.signature_def["serving_default"]
        assert signature.method_name == "tensorflow/serving/predict"
        result = session.run(
            {name: tensor.name for name, tensor in signature.outputs.items()},
            {signature.inputs[name].name: inputs[name] for name in names},
        )
        largest.append(difference(f"{directory} session", golden, result))
    return max(largest)


def check(original_folder, folder):
    """Checks a case's files; returns the model of the archive and a line to print."""
    inputs, golden = dict(np.load(folder / "inputs.npz")), dict(np.load(folder / "golden.npz"))
    (archive,) = original_folder.glob("*.keras")
    expected, as_always = load(archive, folder)
    model, messages = load(folder / "model.keras", folder)
    assert messages <= as_always, f"{folder}/model.keras: {messages - as_always}"
    require_equal(folder / "model.keras", expected.weights, model.weights)
    feed = [inputs[tensor.name] for tensor in model.inputs]
    in_keras = difference(folder / "model.keras", golden, outputs(model(feed, training=False)))

    with keras.saving.custom_object_scope(CUSTOM_OBJECTS):
        other = keras.models.model_from_json((folder / "config.json").read_text())
    for weight in other.weights:
        weight.assign(tf.fill(weight.shape, tf.constant(7, weight.dtype)))
    _, messages = warned(lambda: other.load_weights(folder / "model.weights.h5"))
    assert not messages, f"{folder}/model.weights.h5: {messages}"
    require_equal(folder / "model.weights.h5", expected.weights, other.weights)

    in_tensorflow = check_saved_model(folder / "saved_model", model, inputs, golden)
    return model, f"{folder.name}: {len(model.weights)} weights equal, outputs within {in_keras:.1e}, SavedModel {in_tensorflow:.1e}"


def train(model, inputs, golden):
    """One step; every trained weight has to move, but those that have no part in the loss."""
    before = [weight.numpy() for weight in model.trainable_weights]
    rng = np.random.default_rng(1)
    targets = [rng.normal(size=golden[f"output_{i}"].shape).astype("float32") for i in range(len(model.outputs))]
    model.compile(keras.optimizers.SGD(0.01), "mse", run_eagerly=True)
    model.fit([inputs[tensor.name] for tensor in model.inputs], targets, epochs=1, batch_size=1000, verbose=0)
    moved = [not np.array_equal(a, b) for a, b in zip(before, model.trainable_weights)]
    assert all(np.isfinite(weight.numpy()).all() for weight in model.weights)
    assert not before or sum(moved) >= 0.7 * len(moved), f"{sum(moved)} of {len(moved)} weights were trained"


def save_again(model, inputs, folder):
    """Writes the model and what it computes to a new folder."""
    folder.mkdir()
    model.save(folder / "model.keras")
    export_saved_model(model, folder / "saved_model")
    np.savez(folder / "inputs.npz", **inputs)
    np.savez(folder / "golden.npz", **outputs(model([inputs[tensor.name] for tensor in model.inputs], training=False)))
    for layer in bare(model):
        np.savetxt(folder / f"kernel_points_{layer.name}.csv", layer.Q.numpy(), fmt="%.9g")


def main():
    parser = argparse.ArgumentParser(description="Opens models that another program wrote, in Keras.")
    parser.add_argument("originals", type=Path, help="folder of the models that Keras wrote")
    parser.add_argument("written", type=Path, help="folder of the models that are to be checked")
    parser.add_argument("--train", action="store_true", help="train a step before writing the models again")
    arguments = parser.parse_args()
    folders = sorted(path for path in arguments.written.iterdir() if path.is_dir())
    assert folders, f"{arguments.written} holds no models"
    for folder in folders:
        model, line = check(arguments.originals / folder.name, folder)
        inputs = dict(np.load(folder / "inputs.npz"))
        if arguments.train:
            train(model, inputs, dict(np.load(folder / "golden.npz")))
        save_again(model, inputs, folder / "again")
        print(line, flush=True)


if __name__ == "__main__":
    main()
