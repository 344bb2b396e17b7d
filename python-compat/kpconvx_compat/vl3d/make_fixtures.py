"""Writes models of VL3D's layers for tests: python -m kpconvx_compat.vl3d.make_fixtures OUT_DIR [--case NAME]…

Each case becomes OUT_DIR/<case> with

    in.npz                         inputs by name
    golden.npz                     output_0, in inference
    gradients.npz                  of Σ output_0², `loss`, in inference: by each float input and trainable <layer>.<name>
    losses.json                    the regularization losses for these inputs by Keras version, in its order
    keras-<version>-trained.npz    for some networks: `target_0`, and `loss` before each of 50 steps of Adam(0.001)
    bare/<layer>.<variable>.csv    variables that Keras 3's files lack
    keras-<version>.keras          and for some cases .weights.h5, saved_model-<version> and, of Keras 2, .h5

Keras 2.15 makes the folder anew, all but the files of the models the same for every version; then other versions add
theirs, once they found the same answers.
"""

import argparse
import json
import shutil
from pathlib import Path

import numpy as np

from kpconvx_compat.backend import KERAS_2, keras
from kpconvx_compat.export import replacing, save_archive
from kpconvx_compat.vl3d.cases import CASES, NETWORKS, gradients
from kpconvx_compat.vl3d.files import feed, write_bare
from kpconvx_compat.vl3d.steps import train

VERSION = "keras-" + ".".join(keras.__version__.split(".")[:2])
FIRST = "keras-2.15"
TOLERANCE = 1e-5  # of answers between versions
GRADIENT_TOLERANCE = 1e-4  # in parts of a tensor's largest gradient, and of the model's hundredth


def losses(model, inputs):
    """What Keras adds to the loss for the regularizers, in its order."""
    model(feed(model, inputs))
    return [float(loss) for loss in model.losses]


def write_case(case, directory):
    """Writes a case's folder, or adds this version's files to it."""
    model, inputs = case.model(), case.arrays()
    found = {"output_0": np.asarray(model(feed(model, inputs), training=False))}
    steps = gradients(model, inputs)
    if VERSION == FIRST:
        with replacing(directory) as folder:
            np.savez_compressed(folder / "in.npz", **inputs)
            np.savez_compressed(folder / "golden.npz", **found)
            np.savez_compressed(folder / "gradients.npz", **steps)
            write_bare(model, folder / "bare")
    else:
        require_close(f"{directory}/golden.npz", np.load(directory / "golden.npz"), found, TOLERANCE, 1.0)
        recorded = np.load(directory / "gradients.npz")
        largest = max(np.abs(recorded[name]).max() for name in recorded.files if name != "loss")
        require_close(f"{directory}/gradients.npz", recorded, steps, GRADIENT_TOLERANCE, 0.01 * largest)
    write_files(model, directory, case.forms)
    if case.trained:
        write_training(model, inputs, directory)
    own = losses(case.model(), inputs)
    if own:
        path = directory / "losses.json"
        known = json.loads(path.read_text()) if path.exists() else {}
        path.write_text(json.dumps({**known, VERSION: own}, indent=1, sort_keys=True) + "\n")


def write_training(model, inputs, folder):
    """Trains the model, and writes of `steps.train` what rounding leaves determined: the losses, in training mode.

    A bias ahead of a batch normalization has no gradient but rounding's, of which Adam makes whole steps. They leave the
    losses alone, but not the moving statistics, nor thereby the outputs in inference.
    """
    found = train(model, inputs, learning_rate=0.001, steps=50, seed=0)
    kept = {name: array for name, array in found.items() if name.startswith(("loss", "target_"))}
    np.savez_compressed(folder / f"{VERSION}-trained.npz", **kept)


def require_close(what, recorded, found, tolerance, smallest):
    """Raises ValueError unless arrays are equal within the tolerance, in parts of a recorded one's largest element."""
    if set(recorded.files) != set(found):
        raise ValueError(f"{what} holds {sorted(recorded.files)}; found {sorted(found)}")
    for name, array in found.items():
        difference = np.abs(recorded[name] - array).max() / max(smallest, np.abs(recorded[name]).max())
        if not difference <= tolerance:
            raise ValueError(f"{what}: {name} differs by {difference:.1e}, more than {tolerance}")


def write_files(model, folder, forms):
    """Writes the model as this Keras does, a `.keras` archive and `forms`."""
    graph = folder / VERSION.replace("keras", "saved_model")
    shutil.rmtree(graph, ignore_errors=True)
    if "h5" in forms and KERAS_2:  # before the archive, as Keras then goes on with that form of objects
        model.save(folder / f"{VERSION}.h5")
    if "saved_model" in forms and KERAS_2:
        model.save(graph, save_format="tf", save_traces=False)
    elif "saved_model" in forms:
        model.export(str(graph), verbose=False)
    if "weights.h5" in forms:
        model.save_weights(folder / f"{VERSION}.weights.h5")
    save_archive(model, folder / f"{VERSION}.keras")


def main():
    cases = [*CASES, *NETWORKS]
    parser = argparse.ArgumentParser(description="Writes models of VL3D's layers for the Java tests.")
    parser.add_argument("out", type=Path, help="where the folders of the cases go")
    names = [case.name for case in cases]
    parser.add_argument("--case", action="append", choices=names, metavar="NAME", help="only this one (repeatable)")
    arguments = parser.parse_args()
    for case in cases:
        if not arguments.case or case.name in arguments.case:
            print(case.name, flush=True)
            write_case(case, arguments.out / case.name)


if __name__ == "__main__":
    main()
