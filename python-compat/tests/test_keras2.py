import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from kpconvx_compat import oracle, original
from kpconvx_compat.backend import keras
from kpconvx_compat.cases import KERAS_2_CASES, kpconvx_layers, weights_by_layer
from kpconvx_compat.layer import KPConvXLayer
from kpconvx_compat.make_fixtures import golden, write_case

FIXTURES = Path(__file__).parents[2] / "savedmodels" / "keras2" / f"{keras.__name__}-{keras.__version__}"
BY_NAME = {case.name: case for case in KERAS_2_CASES}
ORIGINAL = {"KPConvXLayer": original.KPConvXLayer}


def assert_close(found, expected, tolerance=1e-5):
    assert np.shape(found) == np.shape(expected)
    assert np.max(np.abs(found - expected) / np.maximum(1.0, np.abs(expected))) <= tolerance


@pytest.mark.parametrize("name", BY_NAME)
def test_every_stage_agrees_with_the_oracle(name):
    model = BY_NAME[name].model()
    inputs = BY_NAME[name].inputs(model)
    found = golden(model, inputs)
    outputs, stages = oracle.network(json.loads(model.to_json()), weights_by_layer(model), inputs)
    for i, output in enumerate(outputs):
        assert_close(found[f"output_{i}"], output)
    for layer in kpconvx_layers(model):
        assert not stages[layer.name].pop("near_tie").any()
        for key, expected in stages[layer.name].items():
            assert_close(found[f"{layer.name}/{key}"], expected)


@pytest.mark.parametrize("name", BY_NAME)
def test_the_fixtures_hold_what_the_case_makes(name):
    model = BY_NAME[name].model()
    inputs = BY_NAME[name].inputs(model)
    folder = FIXTURES / name
    assert json.loads((folder / "config.json").read_text()) == json.loads(model.to_json())
    committed = np.load(folder / "inputs.npz")
    assert sorted(committed.files) == sorted(inputs)
    for key, value in inputs.items():
        np.testing.assert_array_equal(committed[key], value)
    committed = np.load(folder / "golden.npz")
    for key, value in golden(model, inputs).items():
        assert_close(value, committed[key].astype(np.result_type(committed[key], "f4")))


@pytest.mark.parametrize("name", BY_NAME)
@pytest.mark.parametrize("file", ["saved_model", "model.keras", "model.h5", "weights.h5", "model.weights.h5"])
def test_every_kind_of_file_loads_and_computes_the_golden_outputs(name, file):
    folder = FIXTURES / name
    inputs, expected = np.load(folder / "inputs.npz"), np.load(folder / "golden.npz")
    objects = ORIGINAL if name == "original" else {"kpconvx>KPConvXLayer": KPConvXLayer}
    if file in ("weights.h5", "model.weights.h5"):
        model = keras.models.model_from_json((folder / "config.json").read_text(), objects)
        model.load_weights(folder / file)
    else:
        model = keras.models.load_model(folder / file, objects)
    feed = [inputs[tensor.name] for tensor in model.inputs]
    assert_close(model(feed[0] if len(feed) == 1 else feed).numpy(), expected["output_0"])


def test_a_trained_model_has_the_state_of_its_optimizer_in_its_files():
    with h5py.File(FIXTURES / "trained" / "model.h5") as file:
        assert "optimizer_weights" in file
    with h5py.File(FIXTURES / "trained" / "model.weights.h5") as file:
        assert "optimizer" in file


def test_a_case_written_again_equals_its_fixture(tmp_path):
    write_case(BY_NAME["deformable"], tmp_path / "deformable")
    old, new = FIXTURES / "deformable", tmp_path / "deformable"
    assert {p.name for p in old.iterdir()} == {p.name for p in new.iterdir()}
    assert (new / "summary.json").read_text() == (old / "summary.json").read_text()
    assert (new / "model.keras").read_bytes() == (old / "model.keras").read_bytes()


def test_kernel_points_held_as_a_bare_variable_are_in_every_file():
    folder = FIXTURES / "original"
    with h5py.File(folder / "model.h5") as whole, h5py.File(folder / "model.weights.h5") as weights:
        points = whole["model_weights/conv/conv/Q:0"][()]
        np.testing.assert_array_equal(points, weights["layers/kp_conv_x_layer/vars/9"][()])
    np.testing.assert_array_equal(points, np.loadtxt(folder / "kernel_points.csv").astype("float32"))
