"""``python -m kpconvx_compat.benchmark.onnx_export DIRECTORY``: the layer of a workload's folder as `model.onnx`."""

import sys
from pathlib import Path

import torch

from kpconvx_compat.benchmark import workload
from kpconvx_compat.benchmark.torch_layer import KPConvX

AGGREGATION = "gathered-modulations"
OPSET = 20


def export(directory, path, aggregation=AGGREGATION):
    """Writes the layer with dynamic B, R and κ, from its form in PyTorch with that aggregation."""
    _, weights, inputs, _ = workload.read(directory)
    batch, points, neighbours = (torch.export.Dim(name) for name in ("B", "R", "K"))
    # No size may be 1, or the exporter takes it for a constant.
    x, f, n = (torch.from_numpy(inputs[key])[:, :64] for key in "XFN")
    x, f, n = (torch.cat([tensor, tensor])[:2] for tensor in (x, f, n.remainder(min(64, x.shape[1]))))
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
    program.save(path, external_data=False)


if __name__ == "__main__":
    export(Path(sys.argv[1]), Path(sys.argv[1]) / "model.onnx")
