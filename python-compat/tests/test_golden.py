import json
from pathlib import Path

import keras
import numpy as np
import pytest

from kpconvx_compat import cases, oracle
from kpconvx_compat.golden import write_golden
from kpconvx_compat.layer import KPConvXLayer
from kpconvx_compat.original import KPConvXLayer as OriginalLayer
from kpconvx_compat.vl3d import files as vl3d_files
from kpconvx_compat.vl3d import oracle as vl3d_oracle
from kpconvx_compat.vl3d.cases import BY_NAME, NETWORKS, kpconvx_weights

POINTS = {
    "X": np.random.default_rng(0).uniform(0, 1, (1, 20, 3)),
    "F": np.random.default_rng(1).standard_normal((1, 20, 6)),
    "N": np.random.default_rng(2).integers(0, 20, (1, 20, 5)),
}


def case(name):
    return next(case for case in cases.CASES if case.name == name)


def written(directory):
    arrays = dict(np.load(directory / "golden.npz"))
    description = json.loads((directory / "golden.json").read_text())
    assert list(arrays) == list(dict.fromkeys(description["stages"] + description["near_ties"] + description["outputs"]))
    return arrays, description


def test_stages_are_what_the_oracle_computes_and_the_model_comes_with_them(tmp_path):
    model = case("network_two_outputs").model()
    inputs = case("network_two_outputs").inputs(model)
    write_golden(model, inputs, tmp_path / "golden", atol=1e-4, rtol=1e-3, saved_model=True)
    arrays, description = written(tmp_path / "golden")
    expected, stages = oracle.network(json.loads(model.to_json()), cases.weights_by_layer(model), inputs)
    for layer in ("coarse", "fine"):
        for stage in stages[layer]:
            np.testing.assert_allclose(arrays[f"{layer}/{stage}"], stages[layer][stage], atol=1e-5)
        np.testing.assert_array_equal(arrays[layer], arrays[f"{layer}/block_0/F"])
    for i, output in enumerate(expected):
        np.testing.assert_allclose(arrays[f"output_{i}"], output, atol=1e-5)
    order = description["stages"]
    assert order[0] == "stem" and order.index("coarse/k") < order.index("coarse") < order.index("fine/k")
    assert {layer.name for layer in model.layers} - set(order) == {"X", "F", "N"}
    assert (description["atol"], description["rtol"], description["kernel_points"]) == (1e-4, 1e-3, {})
    assert description["keras"] == keras.__version__
    again = keras.models.load_model(tmp_path / "golden/model.keras")
    feed = np.load(tmp_path / "golden/inputs.npz")
    np.testing.assert_array_equal(again([feed["X"], feed["F"], feed["N"]])[1], arrays["output_1"])
    assert (tmp_path / "golden/saved_model/assets.extra/keras_config.json").exists()


def test_calls_of_a_shared_layer_are_told_apart_and_operations_are_stages_too(tmp_path):
    x = keras.Input((4,), name="x")
    shared = keras.layers.Dense(4, name="shared")
    shared(keras.Input((4,)))  # a call outside of the model does not count
    first = shared(x)
    second = shared(keras.layers.ReLU(name="relu")(first))
    summed = first + second
    model = keras.Model(x, {"sum": summed, "second": second})
    value = np.random.default_rng(3).standard_normal((5, 4)).astype(np.float32)
    write_golden(model, value, tmp_path / "golden")
    arrays, description = written(tmp_path / "golden")
    kernel, bias = shared.get_weights()
    a = value @ kernel + bias
    b = np.maximum(a, 0) @ kernel + bias
    operation = summed._keras_history.operation.name
    assert description["stages"] == ["shared", "relu", "shared#1", operation]
    for name, expected in (("shared", a), ("shared#1", b), ("second", b), (operation, a + b), ("sum", a + b)):
        np.testing.assert_allclose(arrays[name], expected, atol=1e-5)


def test_points_outside_of_the_weights_come_in_files(tmp_path):
    model = case("original_network").model()
    write_golden(model, case("original_network").inputs(model), tmp_path / "golden")
    _, description = written(tmp_path / "golden")
    layers = {layer.name: layer for layer in model.layers if isinstance(layer, OriginalLayer)}
    assert description["kernel_points"].keys() == layers.keys() and len(layers) == 2
    for name, file in description["kernel_points"].items():
        points = np.loadtxt(tmp_path / "golden" / file, dtype=np.float32)
        np.testing.assert_array_equal(points, layers[name].Q.numpy())


def test_near_ties_are_found(tmp_path):
    inputs = [keras.Input((None, 3)), keras.Input((None, 6)), keras.Input((None, None), dtype="int64")]
    layer = KPConvXLayer(name="conv", shell_radii=[1.0], shell_points=[2], DH=4, groups=1)
    model = keras.Model(inputs, layer(inputs))
    given = [POINTS["X"], POINTS["F"], POINTS["N"].copy()]
    given[2][0, 7, 3] = 7  # itself, in the middle between the two kernel points
    given[2][0, 8, :] = 9
    write_golden(model, given, tmp_path / "golden")
    arrays, _ = written(tmp_path / "golden")
    own = np.any(given[2] == np.arange(20)[None, :, None], axis=-1)
    np.testing.assert_array_equal(arrays["conv/near_tie"], own)
    assert own[0, 7] and not own[0, 8]


def test_a_sequential_model_is_a_graph_too(tmp_path):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, name="one"), keras.layers.Dense(2, name="two")])
    write_golden(model, [np.ones((2, 4))], tmp_path / "golden")
    arrays, description = written(tmp_path / "golden")
    assert description["stages"] == ["one", "two"]
    np.testing.assert_array_equal(arrays["two"], arrays["output_0"])


def test_the_stages_of_nested_models_are_told_by_call(tmp_path):
    x = keras.Input((2,), name="x")
    inner = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, name="dense"), keras.layers.ReLU(name="relu")])
    inner.name = "inner"
    outer_input = keras.Input((2,))
    outer = keras.Model(outer_input, keras.layers.Rescaling(2.0, name="twice")(inner(outer_input)), name="outer")
    model = keras.Model(x, outer(outer(x)))
    write_golden(model, {"x": np.array([[1.0, -2.0]])}, tmp_path / "golden")
    arrays, description = written(tmp_path / "golden")
    stages = ["inner/dense", "inner/relu", "inner", "twice"]
    expected = [*(f"outer/{stage}" for stage in stages), "outer", *(f"outer#1/{stage}" for stage in stages), "outer#1"]
    assert description["stages"] == expected
    kernel, bias = inner.get_layer("dense").get_weights()
    np.testing.assert_allclose(arrays["outer#1/inner/dense"], arrays["outer"] @ kernel + bias, atol=1e-6)
    np.testing.assert_allclose(arrays["outer#1"], 2 * np.maximum(arrays["outer#1/inner/dense"], 0), atol=1e-6)


def test_inputs_and_outputs_by_name_keep_their_names(tmp_path):
    b, a = keras.Input((2,), name="second"), keras.Input((2,), name="first")
    total = keras.layers.Subtract(name="difference")([a, b])
    model = keras.Model({"b": b, "a": a}, {"total": total})
    given = {"first": np.full((1, 2), 5.0), "second": np.full((1, 2), 3.0)}
    write_golden(model, given, tmp_path / "golden")
    arrays, description = written(tmp_path / "golden")
    assert description["outputs"] == ["total"] and (arrays["total"] == 2).all()
    with np.load(tmp_path / "golden/inputs.npz") as inputs:
        assert (inputs["first"] == 5).all() and (inputs["second"] == 3).all()


def test_the_readme_shows_a_call_that_works(tmp_path, monkeypatch):
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    shown = readme.split("## Regression tests for your own model")[1].split("```python\n")[1].split("```")[0]
    model = case("network_residual").model()
    inputs = case("network_residual").inputs(model)
    monkeypatch.chdir(tmp_path)
    exec(shown, {"model": model, "x": inputs["X"], "f": inputs["F"], "n": inputs["N"]})
    _, description = written(tmp_path / "src/test/resources/my-model")
    assert description["outputs"] == ["output_0"]


class Subclassed(keras.Model):
    def call(self, x):
        return x


def test_what_is_wrong_is_named_and_leaves_nothing(tmp_path):
    x = keras.Input((4,), name="x")
    dense = keras.layers.Dense(2, name="dense")(x)
    model = keras.Model(x, dense)
    good = {"x": np.ones((3, 4), np.float32)}
    wrong = [
        (TypeError, "found Subclassed", Subclassed(), good),
        (TypeError, "found Sequential", keras.Sequential([keras.layers.Dense(2)]), good),
        (ValueError, r"takes the inputs \['x'\]; found \['y'\]", model, {"y": good["x"]}),
        (ValueError, "takes 1 inputs", model, [good["x"]] * 2),
        (ValueError, r"float32 of shape \(None, 4\); found float32 of shape \(3, 5\)", model, np.ones((3, 5), np.float32)),
        (ValueError, "found complex128", model, np.ones((3, 4), complex)),
        (ValueError, "named dense", keras.Model(x, {"dense": keras.layers.Rescaling(2.0)(dense), "d": dense}), good),
    ]
    for error, message, wrong_model, inputs in wrong:
        with pytest.raises(error, match=message):
            write_golden(wrong_model, inputs, tmp_path / "golden")
    assert not list(tmp_path.iterdir())
    unsaved = keras.Model(x, keras.layers.Lambda(lambda value: value, name="unsaved")(dense))
    unsaved.get_layer("unsaved").get_config = lambda: 1 / 0
    with pytest.raises(ZeroDivisionError):
        write_golden(unsaved, good, tmp_path / "golden")
    assert not list(tmp_path.iterdir())
    (tmp_path / "golden").mkdir()
    with pytest.raises(FileExistsError, match="golden exists"):
        write_golden(model, good, tmp_path / "golden")


@pytest.mark.parametrize("vl3d", NETWORKS, ids=lambda case: case.name)
def test_every_layer_of_vl3ds_networks_is_a_stage_as_the_oracle_computes_it(vl3d, tmp_path):
    model, inputs = vl3d.model(), vl3d.arrays()
    write_golden(model, inputs, tmp_path / "golden")
    arrays, description = written(tmp_path / "golden")
    expected = vl3d_oracle.network(json.loads(model.to_json()), tensors_by_layer(model), inputs, gaussian=vl3d.gaussian)
    layers = {layer.name for layer in model.layers} - set(inputs)
    assert layers <= set(description["stages"])
    for name in layers:
        np.testing.assert_allclose(arrays[name], expected[name], atol=1e-5, rtol=1e-5, err_msg=name)
    assert set(description["kernel_points"]) == {layer.name for layer in model.layers if hasattr(layer, "Q")}


def tensors_by_layer(model):
    found = {}
    for layer in model.layers:
        if isinstance(layer, vl3d_files.Layer):
            found[layer.name] = {name: np.asarray(value) for name, value in vl3d_files.named_weights(layer).items()}
        elif isinstance(layer, OriginalLayer):
            found[layer.name] = [np.asarray(value) for value in kpconvx_weights(layer).values()]
        else:
            found[layer.name] = [np.asarray(value) for value in layer.weights]
    return found


def test_variables_that_keras_does_not_store_come_along(tmp_path):
    case = BY_NAME["rbf_extract_cone"]
    model = case.model()
    write_golden(model, case.arrays(), tmp_path / "golden")
    again = vl3d_files.load(tmp_path / "golden/model.keras", tmp_path / "golden/bare")
    np.testing.assert_array_equal(again(case.arrays()["X"]), np.load(tmp_path / "golden/golden.npz")["output_0"])
