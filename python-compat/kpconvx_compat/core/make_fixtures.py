"""Writes models of Keras's own layers for tests: python -m kpconvx_compat.core.make_fixtures OUT_DIR [--case NAME]…

Each case becomes OUT_DIR/<case> with

    in.npz                 inputs by name
    keras-<version>.keras  the model
    keras-<version>.npz    what this Keras computes, see `case.golden`

for the oldest and the newest version of Keras that has it; each version adds its files.
"""

import argparse
from pathlib import Path

import numpy as np

from kpconvx_compat.backend import keras
from kpconvx_compat.core.case import VERSION, golden
from kpconvx_compat.core.cases import CASES
from kpconvx_compat.export import save_archive


def write_case(case, folder):
    """Writes this version's files of a case."""
    folder.mkdir(parents=True, exist_ok=True)
    model = case.model()
    save_archive(model, folder / f"keras-{VERSION}.keras")
    np.savez_compressed(folder / "in.npz", **case.arrays())
    np.savez_compressed(folder / f"keras-{VERSION}.npz", **golden(case, model))


def main():
    parser = argparse.ArgumentParser(description="Writes models of Keras's own layers for the Java tests.")
    parser.add_argument("out", type=Path, help="where the folders of the cases go")
    parser.add_argument("--case", action="append", metavar="NAME", help="only this one (repeatable)")
    arguments = parser.parse_args()
    unknown = set(arguments.case or ()) - {case.name for case in CASES}
    if unknown:
        parser.error(f"no such cases: {sorted(unknown)}")
    for case in CASES:
        if VERSION in case.recorded and (not arguments.case or case.name in arguments.case):
            print(f"Keras {keras.__version__}: {case.name}", flush=True)
            write_case(case, arguments.out / case.name)


if __name__ == "__main__":
    main()
