"""Trains a hierarchical network of KPConvX on the aerial scenes: python -m kpconvx_compat.aerial.hierarchical OUT_DIR

A field is a tile of the aerial pipeline, all its points at the first depth. Each further depth has a share of the
points above, by furthest point sampling, and three tables of neighbours, as VL3D has them (see
`kpconvx_compat.vl3d.hierarchy`). All is decided on raw integers, ties by the lower index, so that another language
finds the same.
"""

import argparse
import json
import platform
import shutil
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from kpconvx_compat.aerial import pipeline, scene, train
from kpconvx_compat.export import export_saved_model
from kpconvx_compat.vl3d import files
from kpconvx_compat.vl3d.architecture import Level, hierarchical_autoencoder
from kpconvx_compat.vl3d.hierarchy import furthest_points


@dataclass(frozen=True)
class Depth:
    """How a depth follows from the one above, and its neighbourhoods.

    share: one point of `share` of the depth above is kept, at least one; 1 keeps all. neighbours: columns of N. down,
    up: columns of ND and NU, which lead here from the depth above and back; 0 at the first depth.
    """

    share: int
    neighbours: int
    down: int = 0
    up: int = 0


DEPTHS = (Depth(1, 16), Depth(4, 16, 16, 3), Depth(4, 16, 16, 3))
EPOCHS = 12
LEARNING_RATE = 4e-3
SEED = 20240502


def network(parameters, depths=DEPTHS, channels=(32, 64, 96), blocks=(1, 2, 2), momentum=0.97):
    """The segmentation network, a `hierarchical_autoencoder` whose kernels grow with the distance of the points.

    Args:
        parameters: PipelineParameters; only its features and classes matter.
        depths: the columns of the indices.
        channels: of each depth, multiples of 8.
        blocks: of KPConvX at each depth.
        momentum: of the batch normalizations.
    """
    levels = []
    for t, (depth, width, count) in enumerate(zip(depths, channels, blocks, strict=True)):
        reach = 0.8 * 2.0**t  # of the kernel, in units of X; a depth's points are twice as far apart as those above
        operator = {
            "blocks": count,
            "sigma": reach,
            "shell_radii": [0, 0.5 * reach, reach],
            "shell_points": [1, 7, 13],
            "DH": 2 * width,
            "bn_momentum": momentum,
        }
        strided = {"sigma": 0.75 * reach, "kernel_radius": 0.75 * reach, "num_kernel_points": 15}
        levels.append(Level(width, depth.neighbours, depth.down, depth.up, (operator,), strided if t else {}))
    return hierarchical_autoencoder(
        levels, len(parameters.features), len(parameters.classes), bn_momentum=momentum, name="aerial_hierarchical"
    )


def fields(points, parameters, depths=DEPTHS):
    """The inputs of a file by name, tile by tile, with the tile: a list of (dict, Tile)."""
    columns = pipeline.features(points, parameters)
    found = []
    for tile in pipeline.tiles(points, parameters):
        raw = points.raw[tile.index]
        inputs = {"Fin": columns[tile.index][None]}
        above = raw
        for t, depth in enumerate(depths, start=1):
            # Distances of integers below 2^26 are exact in float64.
            here = above if depth.share == 1 else above[
                furthest_points((above - raw.min(axis=0)).astype(np.float64), -(-len(above) // depth.share))
            ]
            inputs[f"X_{t}"] = ((here - tile.centre) * points.scale / parameters.unit).astype(np.float32)[None]
            inputs[f"N_{t}"] = pipeline.nearest(here, here, depth.neighbours)[None]
            if t > 1:
                inputs[f"ND_{t}"] = pipeline.nearest(here, above, depth.down)[None]
                inputs[f"NU_{t}"] = pipeline.nearest(above, here, depth.up)[None]
            above = here
        found.append((inputs, tile))
    return found


def augmented(inputs, rng):
    """A field turned about the vertical, perhaps mirrored, with another gain of the receiver."""
    turn = rng.uniform(0, 2 * np.pi)
    c, s, flip = np.cos(turn), np.sin(turn), rng.choice([-1.0, 1.0])
    matrix = np.array([[c, s, 0], [-s * flip, c * flip, 0], [0, 0, 1]], dtype=np.float32)
    found = {name: x @ matrix if name.startswith("X_") else x for name, x in inputs.items()}
    found["Fin"] = found["Fin"].copy()
    found["Fin"][..., 1] *= rng.uniform(0.85, 1.15)
    return found


def fit(model, samples, epochs=EPOCHS, rate=LEARNING_RATE, seed=SEED, say=print):
    """Trains a model.

    Args:
        model: a network of :func:`fields`.
        samples: list of (dict of inputs, channel (R,) int64).
        epochs: passes over the samples.
        rate: highest learning rate of Adam; it rises from a tenth and falls along a cosine.
        seed: of the order and the augmentation.
        say: function that shows a line.
    """
    rng = np.random.default_rng(seed)
    tiles = [(None, None, None, channel[None]) for _, channel in samples]
    weights = train.class_weights(tiles, model.output_shape[-1])
    steps = epochs * len(samples)
    schedule = keras.optimizers.schedules.CosineDecay(
        rate / 10, steps, alpha=0.01, warmup_target=rate, warmup_steps=min(60, steps // 5)
    )
    optimizer = keras.optimizers.Adam(schedule, clipnorm=1.0)
    optimizer.build(model.trainable_variables)
    names = [tensor.name for tensor in model.inputs]
    specs = {tensor.name: tf.TensorSpec((1, *tensor.shape[1:]), tensor.dtype) for tensor in model.inputs}
    signature = [specs, tf.TensorSpec((None,), tf.int64), tf.TensorSpec((None,), tf.float32)]

    @tf.function(input_signature=signature)
    def step(inputs, channel, weight):
        with tf.GradientTape() as tape:
            found = model(files.feed(model, inputs), training=True)
            losses = keras.losses.sparse_categorical_crossentropy(channel[None], found)
            loss = tf.reduce_mean(losses * weight)
        variables = [variable.value for variable in model.trainable_variables]
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), model.trainable_variables))
        hits = tf.reduce_mean(tf.cast(tf.argmax(found[0], axis=-1) == channel, tf.float32))
        return loss, hits

    for epoch in range(epochs):
        started, seen = time.time(), []
        for place in rng.permutation(len(samples)):
            inputs, channel = samples[place]
            inputs = augmented({name: inputs[name] for name in names}, rng)
            seen.append([float(x) for x in step(inputs, channel, weights[channel])])
        loss, hits = np.mean(seen, axis=0)
        say(f"epoch {epoch + 1} of {epochs}: loss {loss:.4f}, accuracy {hits:.4f}, {time.time() - started:.0f} s")


def samples_of(points, parameters, depths=DEPTHS):
    """What :func:`fit` takes of a file."""
    channel = pipeline.channels(points.classification, parameters.codes)
    return [(inputs, channel[tile.index]) for inputs, tile in fields(points, parameters, depths)]


def caller(model):
    """A function of inputs by name that runs the model in inference, traced once for all sizes."""
    specs = {tensor.name: tf.TensorSpec(tensor.shape, tensor.dtype) for tensor in model.inputs}
    run = tf.function(lambda inputs: model(files.feed(model, inputs), training=False), input_signature=[specs])
    return lambda inputs: run({name: tf.constant(inputs[name]) for name in specs}).numpy()


def predict(call, points, made, classes):
    """Probabilities (n, classes) float32 of every point of a file, from what :func:`fields` made of it."""
    result = np.zeros((len(points), classes), dtype=np.float32)
    for inputs, tile in made:
        result[tile.index[tile.core]] = call(inputs)[0][tile.core]
    return result


def description(parameters, depths):
    """How a cloud becomes the inputs, for ``hierarchy.json``."""
    keys = ("tile", "margin", "unit", "ground_cell", "height_unit", "features", "classes")
    return {**{key: getattr(parameters, key) for key in keys}, "depths": [asdict(depth) for depth in depths]}


def build(target, epochs=EPOCHS, training=train.TRAINING, size=scene.SIZE, replace=False, say=print):
    """Generates the scenes, trains, evaluates on the unseen scene, and writes ``savedmodels/aerial_hierarchical``.

    Raises:
        FileExistsError: the target exists and is not to be replaced.
    """
    target, parameters = Path(target), train.PARAMETERS
    if target.exists() and not replace:
        raise FileExistsError(f"{target} exists, expected a directory that is to be made")
    if train.UNSEEN in training:
        raise ValueError(f"the training seeds {training} hold the unseen scene's, {train.UNSEEN}")
    samples = []
    for seed in training:
        points = train.generated_points(seed, size)
        samples += samples_of(points, parameters)
        say(f"training scene {seed}: {len(points)} points")
    keras.utils.set_random_seed(SEED)
    model = network(parameters)
    started = time.time()
    fit(model, samples, epochs, say=say)
    seconds = time.time() - started
    unseen = train.generated_points(train.UNSEEN, size)
    write(target, model, unseen, parameters, {
        "training_scenes": list(training),
        "epochs": epochs,
        "training_points": sum(len(channel) for _, channel in samples),
        "training_seconds": round(seconds, 1),
    }, say)


def write(target, model, unseen, parameters, history, say=print):
    """Writes a trained model, what it computes for the unseen scene, and how well that fits, in place of what is there.

    Args:
        target: the directory.
        model: the trained network.
        unseen: Points of the scene of seed :data:`train.UNSEEN`.
        parameters: PipelineParameters.
        history: what ``report.json`` tells of the training.
    """
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    made = fields(unseen, parameters)
    probabilities = predict(caller(model), unseen, made, len(parameters.classes))
    report = {
        "seed": SEED,
        "unseen_scene": train.UNSEEN,
        "versions": {
            "python": platform.python_version(),
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
            "numpy": np.__version__,
        },
        "parameters": model.count_params(),
        **history,
        **train.figures(unseen, probabilities, parameters),
    }
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=target.name + ".") as directory:
        folder = Path(directory) / "aerial_hierarchical"
        export_saved_model(model, folder)
        text = json.dumps(description(parameters, DEPTHS), indent=2) + "\n"
        (folder / "assets.extra" / "hierarchy.json").write_text(text, encoding="utf-8")
        model.save(folder / "aerial_hierarchical.keras")
        files.write_bare(model, folder / "bare")
        np.savez_compressed(folder / "predictions.npz", probabilities=probabilities.astype(np.float32))
        inputs, tile = min(made, key=lambda field: len(field[1].index))
        np.savez_compressed(folder / "inputs.npz", **inputs)
        output = caller(model)(inputs)
        np.savez_compressed(folder / "golden.npz", output_0=output, index=tile.index, core=tile.core)
        (folder / "report.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
        if target.exists():
            shutil.move(target, Path(directory) / "replaced")
        folder.rename(target)
    train.show(report, say)


def check(target, points, say=print):
    """Evaluates what :func:`write` wrote; True if archive, SavedModel and report agree with its predictions."""
    target, parameters = Path(target), train.PARAMETERS
    expected = np.load(target / "predictions.npz")["probabilities"]
    report = json.loads((target / "report.json").read_text(encoding="utf-8"))
    served = tf.saved_model.load(str(target)).signatures["serving_default"]
    names = list(served.structured_input_signature[1])
    model = files.load(target / "aerial_hierarchical.keras", target / "bare")
    engines = {
        "aerial_hierarchical.keras": caller(model),
        "SavedModel": lambda inputs: served(**{name: tf.constant(inputs[name]) for name in names})["output_0"].numpy(),
    }
    made, good = fields(points, parameters), True
    for name, call in engines.items():
        difference = float(np.abs(predict(call, points, made, len(parameters.classes)) - expected).max())
        good &= difference <= train.TOLERANCE
        say(f"{name}: largest difference from predictions.npz {difference:.3g} (at most {train.TOLERANCE:g})")
    again = train.figures(points, expected, parameters)
    same = all(report[key] == again[key] for key in ("points", "classes", "confusion"))
    say("report.json agrees" if same else "report.json does not agree with predictions.npz")
    train.show(again, say)
    return bool(good and same)


def main(arguments=None):
    """Runs the command; returns the exit status: 0, or 1 if a check fails."""
    parser = argparse.ArgumentParser(
        prog="python -m kpconvx_compat.aerial.hierarchical",
        description="Trains the hierarchical aerial model and writes it, or checks what was written.",
    )
    parser.add_argument("directory", type=Path, metavar="OUT_DIR", help="directory of the SavedModel and its files")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--force", action="store_true", help="replace OUT_DIR if it exists")
    parser.add_argument("--check", action="store_true", help="evaluate what OUT_DIR holds instead of making it")
    options = parser.parse_args(arguments)
    if options.check:
        return 0 if check(options.directory, train.generated_points(train.UNSEEN)) else 1
    build(options.directory, options.epochs, replace=options.force)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
