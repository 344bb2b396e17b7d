"""Trains the aerial model and writes everything that belongs to it."""

import json
import platform
import tempfile
import time
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from kpconvx_compat.aerial import pipeline, scene
from kpconvx_compat.export import export_saved_model
from kpconvx_compat.layer import KPConvXLayer

PARAMETERS = pipeline.PipelineParameters(
    tile=32.0,
    margin=4.0,
    neighbours=16,
    dilation=2,
    unit=1.2,
    ground_cell=8.0,
    height_unit=10.0,
    classes=scene.CLASSES,
)

SEED = 20240501
UNSEEN = 9
"""Seed of the scene that is shipped; no training scene has it."""

TRAINING = tuple(range(101, 111))
"""Seeds of the scenes that are learned from."""

EPOCHS = 12
LEARNING_RATE = 4e-3

TOLERANCE = 1e-5
"""Largest difference between probabilities of one network, computed on different machines."""


def network(parameters, features=32, hidden=64, sigma=1.0, blocks=(2, 2)):
    """The segmentation network.

    Args:
        parameters: PipelineParameters; only its features and classes matter.
        features: D of the KPConvX layers, a multiple of 8.
        hidden: DH of the KPConvX layers.
        sigma: influence distance of the kernel points, in units of X.
        blocks: blocks of each of the KPConvX layers.

    Returns:
        keras.Model from X (B, R, 3), F (B, R, 4), N (B, R, κ) to probabilities (B, R, classes).
    """
    momentum = 0.97
    x = keras.Input((None, 3), name="X")
    f = keras.Input((None, len(parameters.features)), name="F")
    n = keras.Input((None, None), name="N", dtype="int32")
    out = keras.layers.Dense(features, name="stem_dense")(f)
    out = keras.layers.BatchNormalization(momentum=momentum, name="stem_norm")(out)
    skips = [out := keras.layers.LeakyReLU(name="stem_act")(out)]
    for number, count in enumerate(blocks, 1):
        if number > 1:
            out = keras.layers.Dense(features, name=f"mix_{number}_dense")(out)
            out = keras.layers.BatchNormalization(momentum=momentum, name=f"mix_{number}_norm")(out)
            out = keras.layers.LeakyReLU(name=f"mix_{number}_act")(out)
        layer = KPConvXLayer(blocks=count, sigma=sigma, DH=hidden, bn_momentum=momentum, name=f"kpconvx_{number}")
        skips.append(out := layer([x, out, n]))
    out = keras.layers.Concatenate(name="skip")(skips)
    out = keras.layers.Dense(2 * features, name="head_dense")(out)
    out = keras.layers.BatchNormalization(momentum=momentum, name="head_norm")(out)
    out = keras.layers.LeakyReLU(name="head_act")(out)
    out = keras.layers.Dropout(0.2, name="head_dropout")(out)
    out = keras.layers.Dense(len(parameters.classes), name="scores")(out)
    out = keras.layers.Softmax(name="probabilities")(out)
    return keras.Model([x, f, n], out, name="aerial")


def generated_points(seed, size=scene.SIZE):
    """The scene of a seed as it is read back from its LAZ file."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "scene.laz"
        scene.write_laz(path, scene.generate(seed, size))
        return pipeline.read_points(path)


def write_scenes(directory, training=TRAINING, size=scene.SIZE, say=print):
    """Writes the scenes that are learned from as ``scene_SEED.laz``, for training elsewhere.

    Args:
        directory: where to; it is made.
        training: their seeds.
        size: length of a scene's side in m.
        say: function that shows a line.
    """
    directory = Path(directory)
    directory.mkdir(parents=True)
    for seed in training:
        path = directory / f"scene_{seed}.laz"
        scene.write_laz(path, scene.generate(seed, size))
        say(str(path))


def samples(points, parameters):
    """A list of (X, F, N, channel) for the tiles of a file; channel is (1, R) int64."""
    columns = pipeline.features(points, parameters)
    channel = pipeline.channels(points.classification, parameters.codes)
    return [
        (*pipeline.tile_inputs(points, columns, tile, parameters), channel[tile.index][None])
        for tile in pipeline.tiles(points, parameters)
    ]


def class_weights(tiles, count):
    """(count,) float32: inverse square roots of the classes' shares, of mean 1 over the points."""
    points = sum(np.bincount(tile[3][0], minlength=count) for tile in tiles)
    weights = np.sqrt(points.sum() / np.maximum(points, 1))
    return (weights * points.sum() / (weights * points).sum()).astype(np.float32)


def augmented(tile, rng):
    """A tile turned about the vertical, perhaps mirrored, with another gain of the receiver."""
    x, f, n, channel = tile
    turn = rng.uniform(0, 2 * np.pi)
    c, s, flip = np.cos(turn), np.sin(turn), rng.choice([-1.0, 1.0])
    f = f.copy()
    f[..., 1] *= rng.uniform(0.85, 1.15)
    return x @ np.array([[c, s, 0], [-s * flip, c * flip, 0], [0, 0, 1]], dtype=np.float32), f, n, channel


def fit(tiles, parameters, epochs=EPOCHS, rate=LEARNING_RATE, seed=SEED, verbose=2):
    """Trains a new network.

    Args:
        tiles: what :func:`samples` gives, for all training scenes.
        parameters: PipelineParameters.
        epochs: passes over the tiles.
        rate: highest learning rate of Adam; it rises from a tenth and falls along a cosine.
        seed: of the weights, the order and the augmentation.
        verbose: as in keras.Model.fit.

    Returns:
        The trained keras.Model.
    """
    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    weights = class_weights(tiles, len(parameters.classes))

    def stream():
        for _ in range(epochs):
            for place in rng.permutation(len(tiles)):
                x, f, n, channel = augmented(tiles[place], rng)
                yield (x, f, n), channel, weights[channel]

    signature = (
        (
            tf.TensorSpec((1, None, 3), tf.float32),
            tf.TensorSpec((1, None, len(parameters.features)), tf.float32),
            tf.TensorSpec((1, None, parameters.neighbours), tf.int32),
        ),
        tf.TensorSpec((1, None), tf.int64),
        tf.TensorSpec((1, None), tf.float32),
    )
    model = network(parameters)
    steps = epochs * len(tiles)
    schedule = keras.optimizers.schedules.CosineDecay(
        rate / 10, steps, alpha=0.01, warmup_target=rate, warmup_steps=min(60, steps // 5)
    )
    # Tiles differ in size, and XLA would compile anew for each of them.
    model.compile(
        keras.optimizers.Adam(schedule, clipnorm=1.0), "sparse_categorical_crossentropy", jit_compile=False
    )
    data = tf.data.Dataset.from_generator(stream, output_signature=signature).prefetch(2)
    model.fit(data, steps_per_epoch=len(tiles), epochs=epochs, shuffle=False, verbose=verbose)
    return model


def caller(model):
    """A function of NumPy X, F, N that runs the model in inference, traced once for all sizes."""
    specs = [tf.TensorSpec(tensor.shape, tensor.dtype) for tensor in model.inputs]
    run = tf.function(lambda x, f, n: model([x, f, n], training=False), input_signature=specs)
    return lambda x, f, n: run(tf.constant(x), tf.constant(f), tf.constant(n)).numpy()


def figures(points, probabilities, parameters):
    """How well probabilities (n, classes) fit the file's classification: a dict for ``report.json``."""
    found = probabilities.argmax(axis=1)
    matrix = pipeline.confusion(points.classification, found, parameters.codes)
    iou = pipeline.intersection_over_union(matrix)
    return {
        "points": len(points),
        "accuracy": float(np.diag(matrix).sum() / matrix.sum()),
        "mean_iou": float(np.mean(iou)),
        "classes": [
            {"code": known["code"], "name": known["name"], "points": int(row.sum()), "iou": float(value)}
            for known, row, value in zip(parameters.classes, matrix, iou)
        ],
        "confusion": matrix.tolist(),
    }


def near_ties(model, points, parameters, gap=1e-6):
    """How many points have, in some layer, a neighbour whose two nearest kernel points differ by less than ``gap``."""
    count = 0
    columns = pipeline.features(points, parameters)
    kernels = [np.asarray(layer.Q, dtype=np.float64) for layer in model.layers if isinstance(layer, KPConvXLayer)]
    for tile in pipeline.tiles(points, parameters):
        x, _, n = pipeline.tile_inputs(points, columns, tile, parameters)
        x = x[0].astype(np.float64)
        close = np.zeros(len(x), dtype=bool)
        for slot in range(n.shape[-1]):
            y = x[n[0, :, slot]] - x
            for q in kernels:
                nearest = np.partition(np.linalg.norm(y[:, None] - q, axis=-1), 1, axis=1)
                close |= nearest[:, 1] - nearest[:, 0] < gap
        count += int(close[tile.core].sum())
    return count


def pipeline_check(points, parameters):
    """The inputs of the two smallest tiles of a file: arrays for ``pipeline_check.npz``."""
    grid = sorted(pipeline.tiles(points, parameters), key=lambda tile: len(tile.index))[:2]
    columns = pipeline.features(points, parameters)
    arrays = {}
    for tile in grid:
        x, f, n = pipeline.tile_inputs(points, columns, tile, parameters)
        named = {"X": x, "F": f, "N": n, "index": tile.index, "core": tile.core}
        arrays.update({f"tile_{tile.row}_{tile.column}/{key}": array for key, array in named.items()})
    return arrays


def build(target, epochs=EPOCHS, training=TRAINING, replace=False, say=print):
    """Generates the scenes, trains, evaluates on the unseen scene, and writes all of ``savedmodels/aerial``.

    Args:
        target: directory to write; it appears when all is complete.
        epochs: passes over the training tiles.
        training: seeds of the training scenes; must not hold the unseen one.
        replace: whether a target that exists is replaced.
        say: function that shows a line of progress.

    Raises:
        FileExistsError: the target exists and is not to be replaced.
    """
    target = Path(target)
    if target.exists() and not replace:
        raise FileExistsError(f"{target} exists, expected a directory that is to be made")
    if UNSEEN in training:
        raise ValueError(f"the training seeds {training} hold the unseen scene's, {UNSEEN}")
    tiles = []
    for seed in training:
        points = generated_points(seed)
        tiles += samples(points, PARAMETERS)
        say(f"training scene {seed}: {len(points)} points")
    started = time.time()
    model = fit(tiles, PARAMETERS, epochs)
    seconds = time.time() - started
    say(f"trained in {seconds:.0f} s")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=target.name + ".") as directory:
        made = Path(directory) / "aerial"
        export_saved_model(model, made)
        (made / "assets.extra" / "pipeline.json").write_text(PARAMETERS.to_json(), encoding="utf-8")
        model.save(made / "aerial.keras")
        scene.write_laz(made / "scene.laz", scene.generate(UNSEEN))
        points = pipeline.read_points(made / "scene.laz")
        call = caller(model)
        probabilities = pipeline.predict(call, points, PARAMETERS)
        np.savez_compressed(made / "predictions.npz", probabilities=probabilities)
        np.savez_compressed(made / "pipeline_check.npz", **pipeline_check(points, PARAMETERS))
        report = {
            "seed": SEED,
            "training_scenes": list(training),
            "unseen_scene": UNSEEN,
            "versions": {
                "python": platform.python_version(),
                "tensorflow": tf.__version__,
                "keras": keras.__version__,
                "numpy": np.__version__,
            },
            "parameters": model.count_params(),
            "epochs": epochs,
            "training_points": sum(tile[3].size for tile in tiles),
            "training_seconds": round(seconds, 1),
            "microseconds_per_point": round(speed(call, points), 2),
            "near_ties": near_ties(model, points, PARAMETERS),
            **figures(points, probabilities, PARAMETERS),
        }
        (made / "report.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
        if target.exists():
            target.rename(Path(directory) / "replaced")
        made.rename(target)
    show(report, say)


def speed(call, points):
    """Microseconds per point of the model alone on the file's largest tile, best of five runs."""
    columns = pipeline.features(points, PARAMETERS)
    tile = max(pipeline.tiles(points, PARAMETERS), key=lambda tile: len(tile.index))
    inputs = pipeline.tile_inputs(points, columns, tile, PARAMETERS)
    times = []
    for _ in range(6):
        started = time.perf_counter()
        call(*inputs)
        times.append(time.perf_counter() - started)
    return min(times[1:]) / len(tile.index) * 1e6


def show(report, say=print):
    """Shows a report's figures, a line for each class."""
    for known in report["classes"]:
        say(f"{known['code']:4d} {known['name']:16s} {known['points']:7d} points  IoU {known['iou']:.4f}")
    say(f"mean IoU {report['mean_iou']:.4f}, accuracy {report['accuracy']:.4f}")


def check(directory, say=print):
    """Evaluates the shipped model on the shipped scene and compares with the shipped predictions and figures.

    Args:
        directory: what :func:`build` wrote.
        say: function that shows a line.

    Returns:
        True if all agree.
    """
    directory = Path(directory)
    parameters = pipeline.PipelineParameters.from_file(directory / "assets.extra" / "pipeline.json")
    points = pipeline.read_points(directory / "scene.laz")
    expected = np.load(directory / "predictions.npz")["probabilities"]
    report = json.loads((directory / "report.json").read_text(encoding="utf-8"))
    served = tf.saved_model.load(str(directory)).signatures["serving_default"]
    engines = {
        "aerial.keras": caller(keras.saving.load_model(directory / "aerial.keras")),
        "SavedModel": lambda x, f, n: served(X=tf.constant(x), F=tf.constant(f), N=tf.constant(n))["output_0"].numpy(),
    }
    good = True
    for name, call in engines.items():
        difference = float(np.abs(pipeline.predict(call, points, parameters) - expected).max())
        good &= difference <= TOLERANCE
        say(f"{name}: largest difference from predictions.npz {difference:.3g} (at most {TOLERANCE:g})")
    again = figures(points, expected, parameters)
    same = all(report[key] == again[key] for key in ("points", "classes", "confusion"))
    say("report.json agrees" if same else "report.json does not agree with predictions.npz and scene.laz")
    show(again, say)
    return bool(good and same)


def evaluate(model, directory, say=print):
    """Measures a model on the shipped scene, which no training scene resembles but by its making.

    Args:
        model: a ``.keras`` archive of a network with the aerial model's inputs and classes.
        directory: what :func:`build` wrote; its pipeline and scene are used.
        say: function that shows a line.

    Returns:
        the figures, as in ``report.json``.
    """
    directory = Path(directory)
    parameters = pipeline.PipelineParameters.from_file(directory / "assets.extra" / "pipeline.json")
    points = pipeline.read_points(directory / "scene.laz")
    probabilities = pipeline.predict(caller(keras.saving.load_model(model)), points, parameters)
    report = figures(points, probabilities, parameters)
    show(report, say)
    return report
