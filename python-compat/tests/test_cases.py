import json
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf

from kpconvx_compat import oracle, original
from kpconvx_compat.cases import CASES, kpconvx_layers, weights_by_layer
from kpconvx_compat.export import export_saved_model
from kpconvx_compat.layer import KPConvXLayer
from kpconvx_compat.make_fixtures import golden, write_case

SAVEDMODELS = Path(__file__).parents[2] / "savedmodels"
FIXTURES = SAVEDMODELS / "parity" / f"keras-{keras.__version__}"
BY_NAME = {case.name: case for case in CASES}
ORIGINAL = {"KPConvXLayer": original.KPConvXLayer}


def assert_close(found, expected, tolerance=1e-5):
    assert np.shape(found) == np.shape(expected)
    assert np.max(np.abs(found - expected) / np.maximum(1.0, np.abs(expected))) <= tolerance


def custom_objects(name):
    return ORIGINAL if name.startswith("original") else None


def datasets(path):
    found = {}
    with h5py.File(path) as file:
        file.visititems(lambda name, item: found.update({name: item[()]} if isinstance(item, h5py.Dataset) else {}))
    return found


@pytest.mark.parametrize("name", BY_NAME)
def test_every_stage_agrees_with_the_oracle(name):
    model = BY_NAME[name].model()
    inputs = BY_NAME[name].inputs(model)
    found = golden(model, inputs)
    outputs, stages = oracle.network(json.loads(model.to_json()), weights_by_layer(model), inputs)
    for i, output in enumerate(outputs):
        assert_close(found[f"output_{i}"], output)
    for layer in kpconvx_layers(model):
        near_tie = stages[layer.name].pop("near_tie")
        assert near_tie.mean() < 0.01
        for key, expected in stages[layer.name].items():
            value = found[f"{layer.name}/{key}"]
            if key in ("k", "h"):
                value, expected = value[~near_tie], expected[~near_tie]
            assert_close(value, expected)


@pytest.mark.parametrize("name", BY_NAME)
def test_the_fixtures_hold_what_the_case_makes(name):
    model = BY_NAME[name].model()
    inputs = BY_NAME[name].inputs(model)
    folder = FIXTURES / name
    assert (folder / "config.json").read_text() == model.to_json()
    committed = np.load(folder / "inputs.npz")
    assert sorted(committed.files) == sorted(inputs)
    for key, value in inputs.items():
        assert committed[key].dtype == value.dtype
        np.testing.assert_array_equal(committed[key], value)
    committed = np.load(folder / "golden.npz")
    for key, value in golden(model, inputs).items():
        assert_close(value, committed[key].astype(np.result_type(committed[key], "f4")))
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["total_params"] == model.count_params()
    assert [w["path"] for w in summary["weights"]] == [w.path for w in model.weights]


@pytest.mark.parametrize("name", ["single_point", "network_residual", "original_network"])
def test_a_case_written_again_equals_its_fixture(name, tmp_path):
    write_case(BY_NAME[name], tmp_path / name)
    old, new = FIXTURES / name, tmp_path / name
    assert {p.name for p in old.iterdir()} == {p.name for p in new.iterdir()}
    assert (new / "model.keras").read_bytes() == (old / "model.keras").read_bytes()
    old_weights, new_weights = datasets(old / "model.weights.h5"), datasets(new / "model.weights.h5")
    assert old_weights.keys() == new_weights.keys()
    for key, value in new_weights.items():
        np.testing.assert_array_equal(value, old_weights[key])
    assert (new / "summary.json").read_text() == (old / "summary.json").read_text()
    assert (old / "inputs.npz").read_bytes() == (new / "inputs.npz").read_bytes()


@pytest.mark.parametrize("name", ["batch_norms", "keras2_objects", "function_object", "network_two_outputs", "original"])
def test_a_fixture_loads_and_computes_its_golden_outputs(name):
    folder = FIXTURES / name
    inputs, expected = np.load(folder / "inputs.npz"), np.load(folder / "golden.npz")
    model = keras.saving.load_model(folder / "model.keras", custom_objects=custom_objects(name))
    assert model.to_json() == (folder / "config.json").read_text()
    outputs = model([inputs[tensor.name] for tensor in model.inputs])
    outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    signature = tf.saved_model.load(folder / "saved_model").signatures["serving_default"]
    served = signature(**{key: tf.constant(inputs[key]) for key in inputs.files})
    assert len(served) == len(outputs)
    for i, output in enumerate(outputs):
        assert_close(output.numpy(), expected[f"output_{i}"])
        assert_close(served[f"output_{i}"].numpy(), expected[f"output_{i}"])


def test_a_weights_file_loads_into_a_rebuilt_network():
    folder = FIXTURES / "network_segmentation"
    model = keras.models.model_from_json((folder / "config.json").read_text())
    model.load_weights(folder / "model.weights.h5")
    inputs = np.load(folder / "inputs.npz")
    output = model([inputs[tensor.name] for tensor in model.inputs])
    assert_close(output.numpy(), np.load(folder / "golden.npz")["output_0"])


def test_the_originals_kernel_points_are_in_the_saved_model_only():
    folder = FIXTURES / "original_network"
    assert not [key for key, value in datasets(folder / "model.weights.h5").items() if value.shape[-1:] == (3,)]
    config = json.loads((folder / "config.json").read_text())
    kinds = {layer["registered_name"] for layer in config["config"]["layers"] if layer["class_name"] == "KPConvXLayer"}
    assert kinds == {"KPConvXLayer"}
    loaded = tf.saved_model.load(folder / "saved_model")
    found = {v.name.split(":")[0]: v.numpy() for v in loaded._all_variables if v.name.split(":")[0].endswith("/Q")}
    assert len(found) == 2
    for name, points in found.items():
        written = np.loadtxt(folder / f"kernel_points_{name.removesuffix('/Q')}.csv")
        np.testing.assert_array_equal(points, written.astype("float32"))


def test_every_weight_has_its_own_place_in_the_weights_file():
    first = datasets(FIXTURES / "deformable" / "model.weights.h5")["layers/kp_conv_x_layer/vars/0"]
    last = datasets(FIXTURES / "defaults" / "model.weights.h5")["layers/kp_conv_x_layer/vars/9"]
    assert first.shape == last.shape == (21, 3)


def test_an_export_carries_its_configuration_and_replaces_nothing(tmp_path):
    model = BY_NAME["single_point"].model()
    export_saved_model(model, tmp_path / "exported")
    written = json.loads((tmp_path / "exported" / "assets.extra" / "keras_config.json").read_text())
    assert written == json.loads(model.to_json())
    assert [path.name for path in tmp_path.iterdir()] == ["exported"]
    with pytest.raises(FileExistsError, match="exported exists"):
        export_saved_model(model, tmp_path / "exported")


def test_the_readme_lists_every_case():
    readme = (SAVEDMODELS / "README.md").read_text()
    assert not [name for name in BY_NAME if f"| `{name}` |" not in readme]


def test_the_cases_take_every_setting_off_its_default():
    defaults = KPConvXLayer(name="conv").get_config()
    del defaults["dtype"]
    layers = [layer for name in BY_NAME for layer in fixture_layers(name)]
    same = [key for key, default in defaults.items() if all(layer[key] == default for layer in layers)]
    assert not same


def fixture_layers(name):
    config = json.loads((FIXTURES / name / "config.json").read_text())
    return [layer["config"] for layer in config["config"]["layers"] if layer["class_name"] == "KPConvXLayer"]
