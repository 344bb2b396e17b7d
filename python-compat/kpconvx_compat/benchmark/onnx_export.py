"""``python -m kpconvx_compat.benchmark.onnx_export DIRECTORY…``: the layers of workloads' folders as ONNX models."""

import sys
from pathlib import Path

import numpy as np
import torch

from kpconvx_compat.benchmark import workload
from kpconvx_compat.benchmark.contenders import ONNX_MODELS
from kpconvx_compat.benchmark.torch_layer import KPConvX

OPSET = 20


def export(directory, path, formulation):
    """Writes the layer with dynamic B, R and κ, from that formulation in PyTorch."""
    _, weights, inputs, _ = workload.read(directory)
    batch, points, neighbours = (torch.export.Dim(name) for name in ("B", "R", "K"))
    # Two of the cloud's beginning, for the exporter would take a size of 1 for a constant; what N holds does not matter.
    x, f, n = (torch.from_numpy(np.stack([inputs[key][0, :64]] * 2)) for key in "XFN")
    n = torch.zeros_like(n)
    shapes = ({0: batch, 1: points}, {0: batch, 1: points}, {0: batch, 1: points, 2: neighbours})
    program = torch.onnx.export(
        KPConvX(weights, formulation),
        (x, f, n),
        input_names=["X", "F", "N"],
        output_names=["output_0"],
        dynamic_shapes=shapes,
        opset_version=OPSET,
        dynamo=True,
        external_data=False,
    )
    partial = Path(path).with_suffix(".partial")
    program.save(partial, external_data=False)
    partial.replace(path)


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        for model, formulation in ONNX_MODELS.items():
            if not (Path(argument) / model).exists():
                export(Path(argument), Path(argument) / model, formulation)
