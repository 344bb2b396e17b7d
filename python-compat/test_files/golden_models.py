"""Writes the golden data of three parity cases among the test resources of the Java package golden.

    python golden_models.py [OUT_DIR]     (TensorFlow 2.21.0, Keras 3.15.1)
"""

import pathlib
import shutil
import sys

from kpconvx_compat.cases import CASES
from kpconvx_compat.golden import write_golden

RESOURCES = pathlib.Path(__file__).parents[2] / "src/test/resources/io/github/kpconvx/golden"
NAMES = ("network_two_outputs", "original_network", "nested")


def main():
    out = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else RESOURCES
    for case in CASES:
        if case.name in NAMES:
            model = case.model()
            shutil.rmtree(out / case.name, ignore_errors=True)
            write_golden(model, case.inputs(model), out / case.name)


if __name__ == "__main__":
    main()
