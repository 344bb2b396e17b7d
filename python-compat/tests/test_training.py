import json

import keras
import numpy as np
import pytest
from test_cases import SAVEDMODELS, assert_close

from kpconvx_compat import oracle
from kpconvx_compat.cases import Undetermined, kpconvx_layers, weights_by_layer
from kpconvx_compat.layer import KPConvXLayer
from kpconvx_compat.make_training_fixtures import write_case
from kpconvx_compat.training import (
    TOLERANCE,
    golden,
    gradients,
    in_float64,
    qualified_weights,
    require_determined,
    targets,
)
from kpconvx_compat.training_cases import TRAINING_CASES
from kpconvx_compat.unseen import training_case, write_drawn

FIXTURES = SAVEDMODELS / "training" / f"keras-{keras.__version__}"
BY_NAME = {case.name: case for case in TRAINING_CASES}
FOLDERS = [pytest.param(FIXTURES / name, id=name) for name in BY_NAME]
DRAWN = 1 if keras.__version__ == "3.6.0" else 3
ACTIVITY_IS_DIVIDED_BY_B = keras.__version__ != "3.6.0"


def loaded(folder):
    """The model of a case, its inputs and its golden data."""
    model = keras.saving.load_model(folder / "model.keras", compile=False)
    return model, dict(np.load(folder / "inputs.npz")), dict(np.load(folder / "golden.npz"))


def run_oracle(config, weights, inputs):
    """Outputs, stages, loss and regularization of a network in training, as the oracle computes them."""
    outputs, stages = oracle.network(config, weights, inputs, training=True)
    wanted = [inputs[f"target_{i}"] for i in range(len(outputs))]
    batch = len(inputs["X"]) if ACTIVITY_IS_DIVIDED_BY_B else 1
    return outputs, stages, oracle.loss(outputs, wanted), oracle.regularization(config, weights, stages, batch)


def expected_names(model, outputs):
    """The names of a fixture's golden data, in the order that savedmodels/README.md tells."""
    weights = qualified_weights(model)
    trainable = {id(weight) for weight in model.trainable_weights}
    for layer in kpconvx_layers(model):
        blocks = [f"block_{t}/{key}" for t in range(layer.blocks) for key in "AfuvF"]
        yield from (f"{layer.name}/{key}" for key in ("k", "h", *blocks))
    yield from (f"output_{i}" for i in range(outputs))
    yield from ("loss", "regularization")
    yield from (f"gradient/{n}" for n, w in weights.items() if id(w) in trainable or n.endswith("/Q"))
    yield from ("gradient/X", "gradient/F")
    yield from (f"sgd/{name}" for name in weights)
    yield from (f"adam/{name}" for name in weights)
    yield from (f"{layer.name}/near_tie" for layer in kpconvx_layers(model))


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_fixture_holds_the_documented_arrays(folder):
    model, inputs, found = loaded(folder)
    outputs = [key for key in found if key.startswith("output_")]
    assert list(found) == list(expected_names(model, len(outputs)))
    assert list(inputs) == ["X", "F", "N", *(f"target_{i}" for i in range(len(outputs)))]
    for i, output in enumerate(outputs):
        assert inputs[f"target_{i}"].shape == found[output].shape
    kinds = {key: "bool" if key.endswith("/near_tie") else "int32" if key.endswith("/k") else "float32" for key in found}
    assert {key: value.dtype.name for key, value in found.items()} == kinds
    assert all(np.isfinite(value).all() for value in found.values())
    weights = {name: weight.shape for name, weight in qualified_weights(model).items()}
    for key, value in found.items():
        kind, _, weight = key.partition("/")
        if kind in ("gradient", "sgd", "adam"):
            assert value.shape == ({"X": inputs["X"].shape, "F": inputs["F"].shape} | weights)[weight]


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_fixture_holds_what_its_model_computes(folder):
    model, inputs, committed = loaded(folder)
    stored = model.get_weights()
    found = golden(model, inputs)
    assert all(np.array_equal(old, new) for old, new in zip(stored, model.get_weights()))
    largest = max(np.abs(value).max() for key, value in committed.items() if key.startswith("gradient/"))
    for key, value in committed.items():
        if key.startswith("gradient/"):
            assert np.abs(found[key] - value).max() <= 1e-5 * largest
        elif not key.startswith("adam/"):
            assert_close(found[key].astype("f8"), value.astype("f8"))


@pytest.mark.parametrize("name", ["single_point", "clipped"])
def test_a_case_written_again_equals_its_fixture(name, tmp_path):
    write_case(BY_NAME[name], tmp_path / name)
    old, new = FIXTURES / name, tmp_path / name
    assert {path.name for path in new.iterdir()} == {"model.keras", "inputs.npz", "golden.npz"}
    assert (new / "inputs.npz").read_bytes() == (old / "inputs.npz").read_bytes()
    assert (new / "model.keras").read_bytes() == (old / "model.keras").read_bytes()


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_training_pass_agrees_with_the_oracle(folder):
    model, inputs, found = loaded(folder)
    outputs, stages, loss, regularization = run_oracle(json.loads(model.to_json()), weights_by_layer(model), inputs)
    assert found["loss"] == pytest.approx(loss, rel=1e-5)
    assert found["regularization"] == pytest.approx(regularization, rel=1e-5)
    for i, output in enumerate(outputs):
        assert_close(found[f"output_{i}"], output)
    moved = 0
    for layer, computed in stages.items():
        computed.pop("activity", None)
        for key, value in computed.items():
            place, _, weight = key.partition("moved/")
            if not place:
                moved += 1
                assert_close(found[f"sgd/{layer}/{weight}"], value)
                assert_close(found[f"adam/{layer}/{weight}"], value)
            else:
                assert_close(found[f"{layer}/{key}"].astype("f8"), value)
    assert moved == sum("/moving_" in weight for weight in qualified_weights(model))


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_gradient_is_the_slope_that_the_oracle_finds(folder):
    model, inputs, _ = loaded(folder)
    config = json.loads(model.to_json())
    exact = {key: value.numpy() for key, value in gradients(in_float64(model), inputs).items()}
    exact = {key.removeprefix("gradient/"): value for key, value in exact.items() if key.startswith("gradient/")}
    arrays = {name: np.asarray(weight, np.float64) for name, weight in qualified_weights(model).items()}
    by_layer = {layer.name: [n for n in arrays if n.startswith(f"{layer.name}/")] for layer in model.layers}
    arrays |= {key: inputs[key].astype(np.float64) for key in ("X", "F")}
    largest = max(np.abs(gradient).max() for gradient in exact.values())
    rng = np.random.default_rng(7)

    def total():
        weights = {layer: [arrays[name] for name in names] for layer, names in by_layer.items()}
        _, _, loss, regularization = run_oracle(config, weights, {**inputs, "X": arrays["X"], "F": arrays["F"]})
        return loss + regularization

    for key, gradient in exact.items():
        direction = rng.standard_normal(gradient.shape)
        middle, ends = arrays[key], []
        for step in (1e-7, -1e-7):
            arrays[key] = middle + step * direction
            ends.append(total())
        arrays[key] = middle
        scale = max(np.linalg.norm(gradient), 1e-2 * largest)
        slope = (ends[0] - ends[1]) / 2e-7
        assert np.sum(gradient * direction) == pytest.approx(slope, rel=1e-5, abs=1e-5 * scale), key


def test_every_element_of_a_gradient_is_a_slope_of_the_oracle():
    model, inputs, found = loaded(FIXTURES / "deformable")
    layer = model.get_layer("conv")
    config, weights = json.loads(model.to_json()), weights_by_layer(model)
    arrays = {"X": inputs["X"].astype(float), "F": inputs["F"].astype(float)}
    weights["conv"] = [weight.astype(float) for weight in weights["conv"]]
    arrays |= {f"conv/{w.name}": array for w, array in zip(layer.weights, weights["conv"])}

    def total():
        outputs, _ = oracle.network(config, weights, {**inputs, **arrays}, training=True)
        return oracle.loss(outputs, [inputs["target_0"]])

    rng = np.random.default_rng(8)
    assert {"conv/W", "conv/Phi", "conv/Q"} <= arrays.keys()
    for key in ("conv/W", "conv/Phi", "conv/Q", "X", "F"):
        array, gradient = arrays[key], found[f"gradient/{key}"]
        for index in rng.integers(0, array.shape, (8, array.ndim)):
            index, middle, ends = tuple(index), array[tuple(index)], []
            for step in (1e-6, -1e-6):
                array[index] = middle + step
                ends.append(total())
            array[index] = middle
            slope = (ends[0] - ends[1]) / 2e-6
            assert abs(gradient[index] - slope) <= TOLERANCE * np.abs(gradient).max()


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_steps_follow_from_the_gradients(folder):
    model, _, found = loaded(folder)
    weights = oracle.variables(json.loads(model.to_json()), weights_by_layer(model))
    assert list(weights.keys() ^ qualified_weights(model).keys()) == []
    for key, weight in weights.items():
        if "/moving_" in key:
            continue
        for step, rate in ((oracle.sgd, 0.05), (oracle.first_adam, 0.001)):
            expected = weight.value
            if weight.trainable:
                expected = step(weight.value, found[f"gradient/{key}"].astype(np.float64), rate)
                expected = oracle.project(weight.constraint, expected)
            kind = "sgd" if step is oracle.sgd else "adam"
            np.testing.assert_allclose(found[f"{kind}/{key}"], expected, rtol=1e-5, atol=1e-6, err_msg=f"{kind}/{key}")


def test_constraints_bind():
    bound = set()
    for name in ("non_negative", "norms_held"):
        model, _, found = loaded(FIXTURES / name)
        weights = oracle.variables(json.loads(model.to_json()), weights_by_layer(model))
        for key, weight in weights.items():
            if weight.constraint and weight.trainable:
                free = oracle.sgd(weight.value, found[f"gradient/{key}"], 0.05)
                if np.abs(free - found[f"sgd/{key}"]).max() > 1e-3:
                    bound.add(oracle.rule(weight.constraint)[0])
    assert bound == {"nonneg", "maxnorm", "minmaxnorm", "unitnorm"}


def test_a_neighbour_on_a_kernel_point_is_among_the_cases():
    _, inputs, found = loaded(FIXTURES / "on_kernel_points")
    on_one = (found["conv/h"] == 1.0) & (found["conv/k"] > 0)
    assert on_one.sum() >= 8
    assert not np.any(found["conv/h"][on_one] < 1.0)


def test_what_is_frozen_has_no_gradient_and_stays():
    model, _, found = loaded(FIXTURES / "frozen_layer")
    for key, weight in qualified_weights(model).items():
        if key.startswith(("conv/", "deformed/", "norm/")):
            assert (f"gradient/{key}" in found) == key.endswith("/Q")
            np.testing.assert_array_equal(found[f"sgd/{key}"], weight)
            np.testing.assert_array_equal(found[f"adam/{key}"], weight)
    assert np.any(found["gradient/conv/Q"]) and np.any(found["gradient/stem/kernel"])


def test_dropped_blocks_get_no_gradient_but_their_regularizers():
    model, _, found = loaded(FIXTURES / "drop_path_1")
    np.testing.assert_array_equal(found["gradient/dropped/Q"], np.zeros((6, 3)))
    w = np.asarray(model.get_layer("dropped").W)
    np.testing.assert_allclose(found["gradient/dropped/W"], 0.01 * np.sign(w), rtol=1e-6)
    np.testing.assert_array_equal(found["dropped/block_0/F"], found["dropped/block_1/F"])
    assert np.any(found["dropped/block_0/v"])


@pytest.mark.parametrize("momentum, layer, kept", [("last_batch", "forgetful", False), ("unmoved", "stubborn", True)])
def test_momentum_0_forgets_and_momentum_1_keeps(momentum, layer, kept):
    model, _, found = loaded(FIXTURES / "momentums")
    for key, weight in qualified_weights(model).items():
        if key.startswith((f"{momentum}/moving", f"{layer}/bn")) and "/moving_" in key:
            assert np.array_equal(found[f"sgd/{key}"], weight) == kept


def test_rounding_must_not_decide_a_gradient():
    model, inputs, found = loaded(FIXTURES / "one_shell")
    require_determined(model, inputs, found)
    worse = {**found, "gradient/conv/W": found["gradient/conv/W"] * 1.001}
    with pytest.raises(ValueError, match=r"float32 moves gradient/conv/W by 1\..e-03 of its scale, more than 2.5e-05"):
        require_determined(model, inputs, worse)
    with pytest.raises(ValueError, match="equally far from two kernel points: conv/near_tie"):
        require_determined(model, inputs, {**found, "conv/near_tie": np.array([True])})


def test_no_activation_may_be_at_its_kink():
    model, inputs, _ = loaded(FIXTURES / "clipped")
    inputs["F"][0, 0, 0] = 0.1  # the ReLU's threshold
    with pytest.raises(ValueError, match="a nudge moves gradient/"):
        require_determined(model, inputs, golden(model, inputs))


def test_targets_follow_from_the_seed():
    model, inputs, _ = loaded(FIXTURES / "network_two_outputs")
    again = targets(model, inputs, BY_NAME["network_two_outputs"].seed)
    assert sorted(again) == ["target_0", "target_1"]
    assert all(np.array_equal(value, inputs[key]) for key, value in again.items())


def test_models_drawn_for_training_agree_with_the_oracle(tmp_path):
    write_drawn(training_case, write_case, tmp_path, seed=int(keras.__version__.replace(".", "")), wanted=DRAWN)
    folders = sorted(tmp_path.iterdir())
    assert len(folders) == DRAWN
    for folder in folders:
        test_a_fixture_holds_the_documented_arrays(folder)
        test_the_training_pass_agrees_with_the_oracle(folder)
        test_every_gradient_is_the_slope_that_the_oracle_finds(folder)
        test_the_steps_follow_from_the_gradients(folder)


def test_a_drawn_model_that_rounding_could_decide_is_left_out_and_told(tmp_path, capsys):
    def write(case, directory):
        if case.seed == 70:
            raise Undetermined("too close")
        directory.mkdir()

    write_drawn(training_case, write, tmp_path, seed=70, wanted=1)
    assert [path.name for path in tmp_path.iterdir()] == ["seed_71"]
    assert "seed_70 is left out: too close" in capsys.readouterr().err


def test_drawn_configurations_come_back_unchanged():
    for seed in range(80, 90):
        model = training_case(seed).model()
        for layer in kpconvx_layers(model):
            config = json.loads(json.dumps(layer.get_config()))
            again = KPConvXLayer.from_config(config)
            assert json.loads(json.dumps(again.get_config())) == config
            assert again.trainable == layer.trainable


def test_the_readme_lists_every_case():
    readme = (SAVEDMODELS / "README.md").read_text().partition("## training")[2]
    rows = [f"| `{c.name}` | {c.seed} | {c.batch} × {c.points} × {c.neighbours} | {c.features} |" for c in TRAINING_CASES]
    assert len(rows) >= 22 and not [row for row in rows if row not in readme]


def test_both_versions_hold_the_same_cases():
    folders = {path.name: {case.name for case in path.iterdir()} for path in FIXTURES.parent.iterdir()}
    assert folders == dict.fromkeys(("keras-3.6.0", "keras-3.15.1"), set(BY_NAME))
    size = sum(path.stat().st_size for path in FIXTURES.parent.rglob("*") if path.is_file())
    assert size < 9e6
