"""Writes what export_representation makes of two kernels, among the test resources of the Java package report.

    python report_representation.py [OUT_DIR [--seed N]]     (TensorFlow 2.21.0, Keras 3.15.1, Matplotlib 3.11.2)

Into OUT_DIR/kernel_<i> go layer.json (the layer's configuration), kernel.npz (its Q, W and, for the first, Wpast) and what
export_representation writes.
"""

import argparse
import json
import pathlib

import numpy as np

from kpconvx_compat.initializer import shell_points
from kpconvx_compat.layer import KPConvXLayer

RESOURCES = pathlib.Path(__file__).parents[2] / "src/test/resources/io/github/kpconvx/report"
SEED = 2405


def kernels(rng):
    """Layers with Q, W and Wpast: a plain one; one that was moved, has diverged, and has odd names and sizes."""
    plain = KPConvXLayer(name="plain", shell_radii=[0, 1.0], shell_points=[1, 6], groups=2, DH=4, blocks=2)
    q = shell_points(plain.shell_radii, plain.shell_points)
    w = rng.normal(0, 0.1, (2, 7, 10))
    w[0, 0, :3] = 0.00390625, -0.01171875, -1e-9  # exact halves of the seventh digit, and a negative nothing
    yield plain, q, w, w + rng.normal(0, 0.02, w.shape)
    odd = KPConvXLayer(
        name="a & b <$c$>", sigma=37.5, shell_radii=[0, 20, 45.5, 70], shell_points=[1, 3, 4, 5], groups=1, DH=4
    )
    q = shell_points(odd.shell_radii, odd.shell_points) + rng.normal(0, 3.0, (13, 3))
    w = rng.normal(3e-7, 1e-6, (1, 13, 5))
    q[4, 1], w[0, 3, 2], w[0, 7, 0] = np.nan, np.nan, np.inf
    yield odd, q, w, None


def main():
    parser = argparse.ArgumentParser(description="Writes kernels and their representations.")
    parser.add_argument("out", type=pathlib.Path, nargs="?", default=RESOURCES)
    parser.add_argument("--seed", type=int, default=SEED)
    arguments = parser.parse_args()
    for i, (layer, q, w, past) in enumerate(kernels(np.random.default_rng(arguments.seed))):
        channels = w.shape[-1]
        layer.build([(None, None, 3), (None, None, channels), (None, None, None)])
        arrays = {"Q": q, "W": w} if past is None else {"Q": q, "W": w, "Wpast": past}
        arrays = {name: array.astype(np.float32) for name, array in arrays.items()}
        layer.Q.assign(arrays["Q"])
        layer.W.assign(arrays["W"])
        layer.export_representation(f"*kernel_{i}", f"{arguments.out}/_", arrays.get("Wpast"))
        (arguments.out / f"kernel_{i}" / "layer.json").write_text(json.dumps(layer.get_config(), indent=1) + "\n")
        np.savez(arguments.out / f"kernel_{i}" / "kernel.npz", **arrays)


if __name__ == "__main__":
    main()
