"""Keras's own layers against their NumPy oracles, and against the recorded files."""

import warnings
from pathlib import Path

import numpy as np
import pytest

from kpconvx_compat.core.case import VERSION, difference, golden
from kpconvx_compat.core.cases import CASES

NEWEST = VERSION == "3.15"  # tries those that others recorded too
RECORDED = Path(__file__).parents[2] / "src/test/resources/core"


def test_names_are_unique():
    assert len({case.name for case in CASES}) == len(CASES)


def test_recorded_are_the_cases():
    assert sorted(path.name for path in RECORDED.iterdir() if path.is_dir()) == sorted(case.name for case in CASES)


@pytest.mark.parametrize("case", [case for case in CASES if case.here and (VERSION in case.recorded or NEWEST)], ids=lambda case: case.name)
def test_oracle_and_recorded_agree(case):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = golden(case, case.model())
    for name in [name for name in found if name.startswith("oracle/")]:
        assert difference(found[name], found[name.removeprefix("oracle/")]) <= case.tolerance, name
    if VERSION in case.recorded:
        recorded = np.load(RECORDED / case.name / f"keras-{VERSION}.npz")
        assert set(recorded.files) == set(found)
        for name in recorded.files:
            assert difference(recorded[name], found[name]) <= 1e-5, name
        inputs = np.load(RECORDED / case.name / "in.npz")
        for name, array in case.arrays().items():
            assert np.array_equal(inputs[name], array), name
