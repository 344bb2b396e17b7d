"""Opens a model that another program wrote: python -m kpconvx_compat.vl3d.check MODEL in.npz golden.npz […]

MODEL is a `.keras` archive, an HDF5 file of any name or a SavedModel. Its outputs for the inputs of in.npz, by name,
are compared with golden.npz (output_0 …), in parts of max(1, |y|); the exit status tells whether all are within the
tolerance.

With --adam LR the model then takes steps of Adam on the sum of the mean squared differences of its outputs from
target_0 … and of its regularization losses, in training mode. target_<i> is of in.npz or else drawn from --seed.
--out gets, as an npz, `weight_<i>` in Keras's order, `bare.<layer>.<variable>` for the variables made past Keras,
`loss` (steps) before each step, the targets, and output_0 … of the trained
model in inference.

With --write DIR the model, as it was opened, is written there in every form of this Keras, as by `make_fixtures`,
with bare/.
"""

import argparse
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
        expected = golden[name]
        if value.shape != expected.shape or not np.array_equal(np.isnan(value), np.isnan(expected)):
            return np.inf
        largest = max(largest, np.nanmax(np.abs(value - expected) / np.maximum(1.0, np.abs(expected)), initial=0.0))
    return float(largest)


def main():
    parser = argparse.ArgumentParser(description="Opens a model that another program wrote in this Keras.")
    parser.add_argument("model", type=Path)
    parser.add_argument("inputs", type=Path)
    parser.add_argument("golden", type=Path)
    parser.add_argument("--tolerance", type=float, default=1e-5)
    parser.add_argument("--bare", type=Path, help="folder of <layer>.<variable>.csv for bare variables")
    parser.add_argument("--weights", type=Path, help="a .weights.h5 that goes to the model first")
    parser.add_argument("--gaussian", choices=[*features.GAUSSIAN_SIGNS], help="what the filter gaussian means")
    parser.add_argument("--adam", type=float, metavar="LR", help="trains, at this learning rate")
    parser.add_argument("--steps", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="an npz for what training leaves")
    parser.add_argument("--write", type=Path, metavar="DIR", help="a new folder for the model in every form")
    arguments = parser.parse_args()
    if arguments.write and is_graph_only(arguments.model):
        parser.error("--write needs a model that is no graph alone")
    if arguments.adam is not None and (arguments.out is None or is_graph_only(arguments.model)):
        parser.error("--adam needs --out, and a model that is no graph alone")
    inputs, golden = dict(np.load(arguments.inputs)), dict(np.load(arguments.golden))
    with features.gaussian(arguments.gaussian) if arguments.gaussian else nullcontext():
        found = predicted(arguments.model, inputs, arguments.bare, arguments.weights)
        largest = difference(golden, found)
        print(f"Keras {keras.__version__}: {arguments.model}: largest difference {largest:.2e}")
        if arguments.write:
            arguments.write.mkdir(parents=True)
            model = _loaded(arguments.model, arguments.bare, arguments.weights)
            files.write_bare(model, arguments.write / "bare")
            write_files(model, arguments.write, EVERY_FORM)
        if arguments.adam is not None:
            model = _loaded(arguments.model, arguments.bare, arguments.weights)
            np.savez(arguments.out, **train(model, inputs, arguments.adam, arguments.steps, arguments.seed))
    sys.exit(0 if largest <= arguments.tolerance else 1)


if __name__ == "__main__":
    main()
