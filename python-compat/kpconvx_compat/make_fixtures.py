"""Writes the parity fixtures: python -m kpconvx_compat.make_fixtures OUT_DIR [--case NAME]…

Each case becomes the folder OUT_DIR/<keras or tf_keras>-<version>/<case> described in savedmodels/README.md; one that is
there is replaced when the new one is complete. Keras 2 writes some of the cases only. OUT_DIR/kernel_points.json, which
is the same for all versions, is written by Keras 3.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import tensorflow as tf

from kpconvx_compat import oracle, original
from kpconvx_compat.backend import KERAS_2, keras
from kpconvx_compat.cases import CASES, KERAS_2_CASES, kpconvx_layers, weights_by_layer
from kpconvx_compat.export import export_saved_model, replacing, save_archive
from kpconvx_compat.initializer import energy, shell_points

SHELLS = [
    *(([1.0], [n]) for n in (1, 2, 3, 4, 5, 6, 7, 8, 12, 13, 32)),
    ([0], [1]),
    ([0, 1.0], [1, 1]),
    ([0, 0.5, 1.0], [1, 7, 13]),
    ([0, 0.5, 1.0], [1, 14, 28]),
    ([0, 0.3, 0.6, 0.9], [1, 4, 6, 8]),
    ([0.5, 1.1], [6, 10]),
    ([1.0, 0, 0.5], [5, 1, 3]),
    ([0.05, 0.02], [9, 5]),
    ([0.5, 1.0], [1, 1]),
    ([0.5, 0.7, 1.0], [1, 1, 2]),
    ([1, 2, 3, 4], [1, 1, 1, 1]),
    ([0.5, 0.5], [3, 4]),
    ([0.5, 0.502, 1.0], [3, 4, 6]),
    ([2.5], [50]),
    ([1.0], [24]),
    ([0, 0.4, 0.8, 1.2, 1.6], [1, 3, 6, 9, 12]),
    ([0.3, 0.9], [5, 5]),
    ([0, 10.0, 25.0], [1, 7, 13]),
    ([0.25], [10]),
    ([0, 0.7], [1, 20]),
]


def golden(model, inputs):
    """What the Keras model and the oracle compute for `inputs` (arrays by input name), as arrays by name.

    `output_<i>` and `<layer>/<stage>` from Keras in float32, `<layer>/near_tie` and float64 `oracle/output_<i>`
    from the oracle.
    """
    feed = [inputs[tensor.name] for tensor in model.inputs]
    feed = feed[0] if len(feed) == 1 else feed
    expected, oracle_stages = oracle.network(json.loads(model.to_json()), weights_by_layer(model), inputs)
    outputs = model(feed, training=False)
    outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    found = {f"output_{i}": output.numpy() for i, output in enumerate(outputs)}
    for layer in kpconvx_layers(model):
        stages = layer.stages(keras.Model(model.inputs, layer.input)(feed, training=False))
        found.update({f"{layer.name}/{key}": tensor.numpy() for key, tensor in stages.items()})
        found[f"{layer.name}/near_tie"] = oracle_stages[layer.name]["near_tie"]
    found.update({f"oracle/output_{i}": output for i, output in enumerate(expected)})
    return found


def summary(model, case):
    """What Keras's summary() shows, and the weights' paths, as a JSON object."""

    trainable = {id(weight) for weight in model.trainable_weights}

    def parameters(weights):
        return sum(int(np.prod(weight.shape)) for weight in weights)

    def shapes(layer):
        # The model's own call of a nested model is its last one.
        output = layer.get_output_at(-1) if hasattr(layer, "get_output_at") else layer.output
        outputs = output if isinstance(output, list) else [output]
        found = [list(output.shape) for output in outputs]
        return found if len(found) > 1 else found[0]

    return {
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "case": case.name,
        "seed": case.seed,
        "layers": [
            {
                "name": layer.name,
                "class_name": layer.__class__.__name__,
                "output_shape": shapes(layer),
                "params": layer.count_params(),
            }
            for layer in model.layers
        ],
        "total_params": parameters(model.weights),
        "trainable_params": parameters(model.trainable_weights),
        "non_trainable_params": parameters(model.non_trainable_weights),
        "weights": [
            {
                "path": getattr(weight, "path", weight.name),
                "shape": list(weight.shape),
                "trainable": id(weight) in trainable,
            }
            for weight in model.weights
        ],
    }


def write_case(case, directory):
    """Writes one case's folder to `directory`, in place of one that is there."""
    model = case.model()
    inputs = case.inputs(model)
    with replacing(directory) as folder:
        (folder / "config.json").write_text(model.to_json())  # before Keras 2 saves the model, and changes the form
        if KERAS_2:
            # Most of a SavedModel is what its layers' functions trace to, which no reader of weights needs: one has it.
            model.save(folder / "saved_model", save_format="tf", save_traces=case.name == "original")
            model.save(folder / "model.h5")
            model.save_weights(folder / "weights.h5")  # any name that ends otherwise than .weights.h5 gives this layout
        else:
            export_saved_model(model, folder / "saved_model")
        save_archive(model, folder / "model.keras")
        model.save_weights(folder / "model.weights.h5")
        (folder / "summary.json").write_text(json.dumps(summary(model, case), indent=1) + "\n")
        np.savez(folder / "inputs.npz", **inputs)
        np.savez_compressed(folder / "golden.npz", **golden(model, inputs))
        bare = [layer for layer in kpconvx_layers(model) if isinstance(layer, original.KPConvXLayer)]
        for layer in bare:
            name = "kernel_points.csv" if len(bare) == 1 else f"kernel_points_{layer.name}.csv"
            np.savetxt(folder / name, layer.Q.numpy(), fmt="%.9g")


def write_kernel_points(path):
    """Writes what the initializer makes of several sets of shells (see SHELLS), for other implementations.

    A JSON list of objects: radii, points_per_shell, energy (each pair once) and points (m, 3), to 1e-12.
    """
    entries = []
    for radii, counts in SHELLS:
        points = shell_points(radii, counts)
        entries.append(
            {
                "radii": radii,
                "points_per_shell": counts,
                "energy": round(energy(points), 9),
                "points": (np.round(points, 12) + 0.0).tolist(),
            }
        )
    partial = path.with_suffix(".partial")
    partial.write_text("[\n" + ",\n".join(json.dumps(entry) for entry in entries) + "\n]\n")
    partial.replace(path)


def write_cases(cases, write, description):
    """The command line of a script that writes `cases`, each by `write(case, directory)`.

    Returns the folder that was named, where now <keras or tf_keras>-<version>/<case> are.
    """
    names = [case.name for case in cases]
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("out", type=Path, help="where <keras or tf_keras>-<version>/<case> go")
    parser.add_argument("--case", action="append", choices=names, metavar="NAME", help=f"one of {', '.join(names)}")
    arguments = parser.parse_args()
    for case in cases:
        if not arguments.case or case.name in arguments.case:
            print(case.name, flush=True)
            write(case, arguments.out / f"{keras.__name__}-{keras.__version__}" / case.name)
    return arguments.out


def main():
    out = write_cases(
        KERAS_2_CASES if KERAS_2 else CASES, write_case, "Writes the parity fixtures of the Keras version at hand."
    )
    if not KERAS_2:
        write_kernel_points(out / "kernel_points.json")


if __name__ == "__main__":
    main()
