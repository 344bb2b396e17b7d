"""Writes the golden data of three parity cases and three of VL3D's among the test resources of the Java package golden.

    python golden_models.py [OUT_DIR]     (TensorFlow 2.21.0, Keras 3.15.1)
"""

import pathlib
import shutil
import sys

from kpconvx_compat.cases import CASES
from kpconvx_compat.golden import write_golden
from kpconvx_compat.vl3d.cases import BY_NAME

RESOURCES = pathlib.Path(__file__).parents[2] / "src/test/resources/io/github/kpconvx/golden"
NAMES = ("network_two_outputs", "original_network", "nested")
VL3D_NAMES = ("rbf_extract_cone", "structuring_opaque", "kpconv_autoencoder")


def main():
    out = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else RESOURCES
    for case in CASES:
        if case.name in NAMES:
            model = case.model()
            write(model, case.inputs(model), out / case.name)
    for name in VL3D_NAMES:
        write(BY_NAME[name].model(), BY_NAME[name].arrays(), out / name)


def write(model, inputs, directory):
    shutil.rmtree(directory, ignore_errors=True)
    write_golden(model, inputs, directory)


if __name__ == "__main__":
    main()
