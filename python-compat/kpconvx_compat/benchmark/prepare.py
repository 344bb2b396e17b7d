"""Writes the folders that contenders read their workload from."""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from kpconvx_compat.benchmark import workload as workloads
from kpconvx_compat.benchmark.contenders import ONNX_MODELS


def prepare(workloads, target, say=lambda line: None):
    """Writes the folders of workloads, as `target/NAME`, unless they are there already and complete.

    A folder gets `workload.json`, `weights.npz`, `inputs.npz` (X, F, N), `outputs.npz` (output_0, the float64 oracle's),
    `model/` (a SavedModel with its configuration) and `model.keras`; and then the :data:`ONNX_MODELS`, or
    where one could not be made a file of its name and `.missing`, which says why.

    Raises ValueError if Keras's layer disagrees with the oracle. No folder appears before it is complete.
    """
    target, workloads = Path(target), list(workloads)
    for workload in workloads:
        if not _prepared(workload, target / workload.name):
            say(f"preparing {workload.name}")
            _prepare(workload, target / workload.name)
    without = [target / workload.name for workload in workloads if _absent_onnx(target / workload.name)]
    if without:
        say(f"exporting {len(without)} to ONNX")
        _export_onnx(without)


def _absent_onnx(directory):
    return [name for name in ONNX_MODELS if not (directory / name).exists()]


def _prepared(workload, directory):
    description = directory / "workload.json"
    return description.exists() and json.loads(description.read_text(encoding="utf-8")) == workload.description()


def _prepare(workload, directory):
    from kpconvx_compat.export import export_saved_model, replacing, save_archive

    weights, inputs = workload.weights(), workload.inputs()
    right = workloads.expected(workload, weights, inputs)
    model = keras_model(workload, weights)
    wrong = workloads.disagreement(model([inputs[key] for key in "XFN"], training=False), right)
    if wrong:
        raise ValueError(f"workload {workload.name}: Keras's layer and the oracle disagree: {wrong}")
    with replacing(directory) as partial:
        (partial / "workload.json").write_text(json.dumps(workload.description(), indent=1) + "\n", encoding="utf-8")
        np.savez(partial / "weights.npz", **weights)
        np.savez(partial / "inputs.npz", **inputs)
        np.savez(partial / "outputs.npz", output_0=right.astype(np.float32))
        export_saved_model(model, partial / "model")
        save_archive(model, partial / "model.keras")


def keras_model(workload, weights):
    """The reference layer alone as a model, with the workload's weights."""
    import keras

    from kpconvx_compat.layer import KPConvXLayer

    x = keras.Input((None, 3), name="X")
    f = keras.Input((None, workload.features), name="F")
    n = keras.Input((None, None), name="N", dtype="int32")
    layer = KPConvXLayer(
        shell_radii=list(workloads.SHELL_RADII),
        shell_points=list(workloads.SHELL_POINTS),
        DH=workload.hidden,
        groups=workloads.GROUPS,
        name="kpconvx",
    )
    model = keras.Model([x, f, n], layer([x, f, n]))
    by_path = {key: value if key == "Q" else value[None] for key, value in weights.items() if "/" not in key}
    for name, value in by_path.items():
        getattr(layer, name).assign(value)
    for name in ("bn_phi", "bn_htilde", "bn_hhat"):
        (normalization,) = getattr(layer, name)
        for key in workloads.NORMALIZATION:
            getattr(normalization, key).assign(weights[f"{name}/{key}"])
    return model


def prepare_aerial(shipped, directory):
    """The same files for the shipped network and the first tile of its scene; `points` are those of the tile."""
    shipped, directory = Path(shipped), Path(directory)
    if (directory / "workload.json").exists():
        return
    import keras

    from kpconvx_compat import layer  # noqa: F401, registers the layer
    from kpconvx_compat.aerial import pipeline
    from kpconvx_compat.export import replacing

    parameters = pipeline.PipelineParameters.from_file(shipped / "assets.extra" / "pipeline.json")
    points = pipeline.read_points(shipped / "scene.laz")
    x, f, n = pipeline.tile_inputs(
        points, pipeline.features(points, parameters), pipeline.tiles(points, parameters)[0], parameters
    )
    model = keras.models.load_model(shipped / "aerial.keras")
    with replacing(directory) as partial:
        shutil.copy(shipped / "aerial.keras", partial / "model.keras")
        for name in ("variables", "assets.extra"):
            shutil.copytree(shipped / name, partial / "model" / name)
        for name in ("saved_model.pb", "fingerprint.pb"):
            shutil.copy(shipped / name, partial / "model" / name)
        np.savez(partial / "inputs.npz", X=x, F=f, N=n)
        np.savez(partial / "outputs.npz", output_0=np.asarray(model([x, f, n], training=False)))
        description = {"name": "aerial", "batch": 1, "points": x.shape[1], "neighbours": n.shape[2]}
        (partial / "workload.json").write_text(json.dumps(description) + "\n", encoding="utf-8")


def _export_onnx(directories):
    for directory in directories:
        for name in ONNX_MODELS:
            (directory / f"{name}.missing").unlink(missing_ok=True)
    # Another process, as PyTorch and TensorFlow cannot be in one.
    with tempfile.TemporaryFile("w+") as log:
        command = [sys.executable, "-m", "kpconvx_compat.benchmark.onnx_export", *directories]
        status = subprocess.run(command, stdout=log, stderr=log, check=False).returncode
        log.seek(0)
        lines = log.read().strip().splitlines() or [f"exit status {status}"]
    for directory in directories:
        for name in _absent_onnx(directory):
            (directory / f"{name}.missing").write_text(lines[-1] + "\n", encoding="utf-8")
