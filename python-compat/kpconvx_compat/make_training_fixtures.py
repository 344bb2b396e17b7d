"""Writes the training fixtures: python -m kpconvx_compat.make_training_fixtures OUT_DIR [--case NAME]…

Each case becomes the folder OUT_DIR/keras-<version>/<case> described in savedmodels/README.md; one that is there is
replaced when the new one is complete.
"""

import numpy as np

from kpconvx_compat.export import replacing, save_archive
from kpconvx_compat.make_fixtures import write_cases
from kpconvx_compat.training import golden, require_determined, targets
from kpconvx_compat.training_cases import TRAINING_CASES


def write_case(case, directory):
    """Writes one case's folder to `directory`, in place of one that is there.

    Raises Undetermined, and writes nothing, where rounding could decide a gradient: such a case needs another seed.
    """
    model = case.model()
    inputs = case.inputs(model)
    inputs |= targets(model, inputs, case.seed)
    found = golden(model, inputs)
    require_determined(model, inputs, found)
    with replacing(directory) as folder:
        save_archive(model, folder / "model.keras")
        np.savez(folder / "inputs.npz", **inputs)
        np.savez_compressed(folder / "golden.npz", **found)


def main():
    write_cases(TRAINING_CASES, write_case, "Writes the training fixtures of the Keras version at hand.")


if __name__ == "__main__":
    main()
