"""``python -m kpconvx_compat.benchmark.onnx_export DIRECTORY…``: the layers of workloads' folders as `model.onnx`."""

import sys
from pathlib import Path

import numpy as np
import torch

from kpconvx_compat.benchmark import workload
from kpconvx_compat.benchmark.contenders import AGGREGATION
from kpconvx_compat.benchmark.torch_layer import KPConvX

OPSET = 20


def export(directory, path, aggregation=AGGREGATION):
    """Writes the layer with dynamic B, R and κ, from its form in PyTorch with that aggregation."""
    _, weights, inputs, _ = workload.read(directory)
    batch, points, neighbours = (torch.export.Dim(name) for name in ("B", "R", "K"))
    # Two of the cloud's beginning, for the exporter would take a size of 1 for a constant; what N holds does not matter.
    x, f, n = (torch.from_numpy(np.stack([inputs[key][0, :64]] * 2)) for key in "XFN")
    n = torch.zeros_like(n)
    shapes = ({0: batch, 1: points}, {0: batch, 1: points}, {0: batch, 1: points, 2: neighbours})
    program = torch.onnx.export(
        KPConvX(weights, aggregation),
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
        export(Path(argument), Path(argument) / "model.onnx")
