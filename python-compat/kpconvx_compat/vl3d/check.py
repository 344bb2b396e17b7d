"""Opens a model that another program wrote: python -m kpconvx_compat.vl3d.check MODEL in.npz golden.npz […]

MODEL is a `.keras` archive, an HDF5 file of any name or a SavedModel. Its outputs for the inputs of in.npz, by name,
are compared with golden.npz (output_0 …), in parts of max(1, |y|); the exit status tells whether all are within the
tolerance.

With --adam LR the model then takes steps of Adam on the sum of the mean squared differences of its outputs from
target_0 … and of its regularization losses, in training mode. target_<i> is of in.npz or else drawn from --seed.
--out gets, as an npz, `weight_<i>` in Keras's order, `gradient_<i>` of the first step, `bare.<layer>.<variable>` for
the variables made past Keras, `loss` (steps) before each step, the targets, and output_0 … of the trained
model in inference.

With --write DIR the model, as it was opened, is written there in every form of this Keras, as by `make_fixtures`,
with bare/.

MODEL alone is a JSON list of such jobs, objects with the arguments of `check`, which one process takes on.
"""

import argparse
import json
import sys
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import tensorflow as tf

from kpconvx_compat.backend import KERAS_2, keras
from kpconvx_compat.vl3d import features, files
from kpconvx_compat.vl3d.cases import EVERY_FORM
from kpconvx_compat.vl3d.make_fixtures import write_files
from kpconvx_compat.vl3d.steps import outputs, train


def predicted(path, inputs, bare=None, weights=None):
    """The outputs of a file, output_0 …, by whatever way this Keras has to run it.

    bare, weights: a folder of bare variables' values, and a `.weights.h5`, that go to a model first.
    """
    if not is_graph_only(path):
        return outputs(_loaded(path, bare, weights), inputs)
    loaded = tf.saved_model.load(str(path))
    signature = loaded.signatures["serving_default"]
    names = signature.structured_input_signature[1]
    found = signature(**{name: tf.constant(inputs[name], spec.dtype) for name, spec in names.items()})
    # In no particular order, but named so by whoever gave no names.
    if all(name.startswith("output_") for name in found):
        return {name: value.numpy() for name, value in found.items()}
    return {f"output_{i}": value.numpy() for i, value in enumerate(found.values())}


def is_graph_only(path):
    """Whether it is a SavedModel that this Keras does not read as a model."""
    return Path(path).is_dir() and not (KERAS_2 and (Path(path) / "keras_metadata.pb").exists())


def _loaded(path, bare, weights):
    model = files.load(path, bare)
    if weights:
        model.load_weights(weights)
    return model


def difference(golden, found):
    """The largest difference of an output, in parts of max(1, |y|); infinite for another shape or other NaNs."""
    if set(found) != {name for name in golden if name.startswith("output_")}:
        raise ValueError(f"the outputs are {sorted(found)}; expected {sorted(golden)}")
    largest = 0.0
    for name, value in found.items():
        expected = np.asarray(golden[name], np.float64)  # booleans have no difference
        if value.shape != expected.shape or not np.array_equal(np.isnan(value), np.isnan(expected)):
            return np.inf
        largest = max(largest, np.nanmax(np.abs(value - expected) / np.maximum(1.0, np.abs(expected)), initial=0.0))
    return float(largest)


def check(
    model,
    inputs,
    golden,
    out=None,
    bare=None,
    weights=None,
    gaussian=None,
    adam=None,
    epsilon=1e-7,
    steps=1,
    seed=0,
    write=None,
):
    """Compares one model, writes it anew and trains it where that is asked for; returns the largest difference."""
    inputs, golden = dict(np.load(inputs)), dict(np.load(golden))
    with features.gaussian(gaussian) if gaussian else nullcontext():
        largest = difference(golden, predicted(model, inputs, bare, weights))
        print(f"Keras {keras.__version__}: {model}: largest difference {largest:.2e}")
        if write:
            write.mkdir(parents=True)
            anew = _loaded(model, bare, weights)
            files.write_bare(anew, write / "bare")
            write_files(anew, write, EVERY_FORM)
        if adam is not None:
            np.savez(out, **train(_loaded(model, bare, weights), inputs, adam, steps, seed, epsilon))
    return largest


def check_all(jobs, tolerance):
    """Checks each object of a JSON list, whose keys are the arguments of `check`; tells of all that failed."""
    failed = []
    for job in json.loads(jobs.read_text()):
        try:
            largest = check(**job)
            if not largest <= tolerance:
                failed.append(f"{job['model']}: differs by {largest:.2e}")
        except Exception as error:  # whatever Keras raises is what the program that wrote the file has to see
            failed.append(f"{job['model']}: {type(error).__name__}: {error}")
    if failed:
        sys.exit("\n".join(failed))


def main():
    parser = argparse.ArgumentParser(description="Opens models that another program wrote in this Keras.")
    parser.add_argument("model", type=Path, help="the model, or with nothing else a JSON list of what `check` takes")
    parser.add_argument("inputs", type=Path, nargs="?")
    parser.add_argument("golden", type=Path, nargs="?")
    parser.add_argument("--tolerance", type=float, default=1e-5)
    parser.add_argument("--bare", type=Path, help="folder of <layer>.<variable>.csv for bare variables")
    parser.add_argument("--weights", type=Path, help="a .weights.h5 that goes to the model first")
    parser.add_argument("--gaussian", choices=[*features.GAUSSIAN_SIGNS], help="what the filter gaussian means")
    parser.add_argument("--adam", type=float, metavar="LR", help="trains, at this learning rate")
    parser.add_argument("--epsilon", type=float, default=1e-7, help="of Adam")
    parser.add_argument("--steps", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="an npz for what training leaves")
    parser.add_argument("--write", type=Path, metavar="DIR", help="a new folder for the model in every form")
    arguments = vars(parser.parse_args())
    tolerance = arguments.pop("tolerance")
    if arguments["inputs"] is None:
        check_all(arguments["model"], tolerance)
        return
    if arguments["golden"] is None:
        parser.error("inputs ask for golden answers too")
    if arguments["write"] and is_graph_only(arguments["model"]):
        parser.error("--write needs a model that is no graph alone")
    if arguments["adam"] is not None and (arguments["out"] is None or is_graph_only(arguments["model"])):
        parser.error("--adam needs --out, and a model that is no graph alone")
    sys.exit(0 if check(**arguments) <= tolerance else 1)


if __name__ == "__main__":
    main()
