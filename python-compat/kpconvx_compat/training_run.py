"""Many steps of training as Keras takes them: python -m kpconvx_compat.training_run OUT_DIR

Trains one segmentation network with several optimizers, each time from the same weights, so that another implementation
can be compared with the whole course of a run. OUT_DIR/<run>, for each of RUNS, gets `model.keras`, the network before
its first step, and `run.npz`: for each step its batch (`X`, `F`, `N`, `labels`) and its loss before the step
(`losses`), and every weight after the last step, as `weights/<name>` by `training.qualified_weights`.

Kernel points Q are trained by SGD only. Their gradient reaches Keras's optimizer as slices, one for each neighbour, and
Adam squares each before it adds them, so that what it divides by is not the root of the squared gradient.
"""

import argparse
from dataclasses import replace
from functools import partial
from pathlib import Path

import keras
import numpy as np

from kpconvx_compat.cases import Case
from kpconvx_compat.export import save_archive
from kpconvx_compat.layer import KPConvXLayer
from kpconvx_compat.training import qualified_weights

CLASS_WEIGHTS = np.array([0.5, 1.0, 2.0, 1.5], np.float32)
RUNS = {  # steps, optimizer, weights of the classes
    "adam": (50, lambda: keras.optimizers.Adam(learning_rate=0.001), None),
    "adamw": (20, lambda: keras.optimizers.AdamW(learning_rate=0.002, weight_decay=0.05), None),
    "sgd": (20, lambda: keras.optimizers.SGD(learning_rate=0.01, momentum=0.9, nesterov=True), CLASS_WEIGHTS),
}


def _layers(x, f, n, deformable):
    f = keras.layers.Dense(16, name="stem")(f)
    f = keras.layers.BatchNormalization(name="stem_norm")(f)
    f = keras.layers.LeakyReLU(name="stem_act")(f)
    f = KPConvXLayer(name="first", DH=32, groups=4, regularizer=keras.regularizers.L2(1e-4))([x, f, n])
    f = KPConvXLayer(name="second", blocks=2, deformable=deformable, DH=32, groups=8)([x, f, n])
    return keras.layers.Dense(len(CLASS_WEIGHTS), activation="softmax", name="classes")(f)


def network(deformable):
    layers = partial(_layers, deformable=deformable)
    return Case("training_run", 401, "a small segmentation network", 4, layers, points=48)


def batches(network, model, steps):
    """X, F, N and labels of all steps, each with a leading axis of steps: the class is told by X and F together."""
    drawn = [replace(network, seed=1000 + step).inputs(model) for step in range(steps)]
    arrays = {key: np.stack([batch[key] for batch in drawn]) for key in ("X", "F", "N")}
    upper = arrays["X"][..., 2] > np.median(arrays["X"][..., 2])
    arrays["labels"] = (2 * upper + (arrays["F"][..., 0] > 0)).astype(np.int32)
    return arrays


def write_run(name, directory):
    """Trains as RUNS[name] tells and writes the run to `directory`, which must not exist."""
    steps, optimizer, class_weights = RUNS[name]
    case = network(deformable=name == "sgd")
    model = case.model()
    arrays = batches(case, model, steps)
    directory.mkdir(parents=True)
    save_archive(model, directory / "model.keras")
    model.compile(optimizer(), keras.losses.SparseCategoricalCrossentropy(), jit_compile=False)
    losses = []
    for step in range(steps):
        labels = arrays["labels"][step]
        model.reset_metrics()  # or the loss is the mean since the first step
        losses.append(
            model.train_on_batch(
                [arrays[key][step] for key in ("X", "F", "N")],
                labels,
                sample_weight=None if class_weights is None else class_weights[labels],
            )
        )
    weights = {f"weights/{key}": weight.numpy() for key, weight in qualified_weights(model).items()}
    np.savez(directory / "run.npz", losses=np.array(losses, np.float32), **arrays, **weights)


def main():
    parser = argparse.ArgumentParser(description="Trains a small network and writes the course of each run.")
    parser.add_argument("out", type=Path, help="where the folders of the runs go")
    out = parser.parse_args().out
    for name in RUNS:
        write_run(name, out / name)


if __name__ == "__main__":
    main()
