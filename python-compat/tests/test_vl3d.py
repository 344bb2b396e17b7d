import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

from kpconvx_compat.backend import KERAS_2, keras
from kpconvx_compat.vl3d import check, features, files, initializers, kpconv, oracle, rbf, steps
from kpconvx_compat.layer import KPConvXBase
from kpconvx_compat.vl3d.cases import BY_NAME, CASES, NETWORKS, gradients, kpconvx_weights, watched
from kpconvx_compat.vl3d.common import Layer
from kpconvx_compat.vl3d.files import named_weights
from kpconvx_compat.vl3d.make_fixtures import require_close

RESOURCES = Path(__file__).parents[2] / "src" / "test" / "resources" / "vl3d"
RECORDED, MADE = RESOURCES / "recorded", RESOURCES / "made"
OWN_VERSION = "2.15" if KERAS_2 else "3.6"
# Keras 3.6 does not divide an activity's loss by the number of the batch's elements.
DIVIDES_BY_BATCH = not keras.__version__.startswith("3.6")
DIRECTIONS, STEP = 3, 1e-5


def difference(found, expected):
    assert np.shape(found) == np.shape(expected)
    return np.max(np.abs(found - expected) / np.maximum(1.0, np.abs(expected)))


def tensors(layer):
    """A layer's tensors by name, in Keras 3's order, Q among them."""
    if isinstance(layer, KPConvXBase):
        return kpconvx_weights(layer)
    if isinstance(layer, Layer):
        return named_weights(layer)
    return {weight.name.split("/")[-1].split(":")[0]: weight for weight in layer.weights}


def arrays(model):
    """A model's tensors as the oracle takes them."""
    found = {layer.name: {name: np.asarray(value) for name, value in tensors(layer).items()} for layer in model.layers}
    own = {layer.name for layer in model.layers if isinstance(layer, Layer)}
    return {name: values if name in own else list(values.values()) for name, values in found.items()}


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def case(request):
    return request.param


def test_layers_agree_with_the_oracle(case):
    model, inputs = case.model(), case.arrays()
    found = oracle.network(json.loads(model.to_json()), arrays(model), inputs, gaussian=case.gaussian)
    assert difference(np.asarray(model(files.feed(model, inputs))), found[model.layers[-1].name]) <= 5e-6


@pytest.mark.parametrize("case", NETWORKS, ids=lambda case: case.name)
def test_networks_agree_with_the_oracle(case):
    model, inputs = case.model(), case.arrays()
    expected = oracle.network(json.loads(model.to_json()), arrays(model), inputs, gaussian=case.gaussian)
    assert difference(np.asarray(model(files.feed(model, inputs))), expected["pwise_out"]) <= 5e-6
    losses = oracle.losses(json.loads(model.to_json()), arrays(model), expected, batch=2 if DIVIDES_BY_BATCH else 1)
    np.testing.assert_allclose(sorted(float(loss) for loss in model.losses), sorted(losses), rtol=1e-5)


def test_gradients_agree_with_differences_of_the_oracle(case):
    model, inputs = case.model(), case.arrays()
    config, weights = json.loads(model.to_json()), arrays(model)
    positions = {  # where a tensor of the gradients stands among the oracle's
        f"{layer.name}.{name}": (layer.name, name if isinstance(layer, Layer) else i)
        for layer in model.layers
        for i, name in enumerate(tensors(layer))
    }
    found = gradients(model, inputs)
    output = model.layers[-1].name
    rng = np.random.default_rng(case.seed)

    def loss(name, moved):
        ours = {key: (dict(own) if isinstance(own, dict) else list(own)) for key, own in weights.items()}
        given = dict(inputs)
        if name in given:
            given[name] = moved
        elif name:
            layer, key = positions[name]
            ours[layer][key] = moved
        return np.sum(oracle.network(config, ours, given, gaussian=case.gaussian)[output] ** 2)

    names = {name for name, x in inputs.items() if x.dtype == "float32"} | set(watched(model))
    assert set(found) == names | {"loss"}
    assert difference(found.pop("loss"), loss("", None)) <= 1e-5
    for name, gradient in found.items():
        layer, key = positions.get(name, (None, None))
        at = np.asarray(inputs[name] if name in inputs else weights[layer][key], np.float64)
        for _ in range(DIRECTIONS):
            way = rng.standard_normal(at.shape)
            expected = (loss(name, at + STEP * way) - loss(name, at - STEP * way)) / (2 * STEP)
            scale = max(np.linalg.norm(gradient), 1e-2)
            assert abs(np.sum(gradient * way) - expected) <= 2e-4 * scale, name


def recorded(*kinds):
    found = [folder for folder in sorted(RECORDED.iterdir()) if all((folder / kind).exists() for kind in kinds)]
    assert found
    return pytest.mark.parametrize("folder", found, ids=lambda folder: folder.name)


def opened(folder, file=f"keras-{OWN_VERSION}.keras"):
    with features.gaussian("grows" if "2024" in folder.name else "falls"):
        return files.load(folder / file, None if KERAS_2 or not (folder / "bare").exists() else folder / "bare")


@recorded(f"keras-{OWN_VERSION}.keras")
def test_files_of_the_original_open_and_compute_what_it_computes(folder):
    model, inputs = opened(folder), np.load(folder / "in.npz")
    assert difference(np.asarray(model(files.feed(model, inputs))), np.load(folder / "golden.npz")["output_0"]) <= 2e-6


@recorded(f"keras-{OWN_VERSION}.keras", "gradients.npz")
def test_gradients_are_those_of_the_original(folder):
    model, inputs, expected = opened(folder), np.load(folder / "in.npz"), np.load(folder / "gradients.npz")
    found = gradients(model, dict(inputs))
    assert set(found) == set(expected.files)
    for name in found:
        here = np.isfinite(expected[name])  # the original's is NaN where a point lies on a kernel point
        scale = max(1e-3, np.max(np.abs(expected[name]), initial=0.0, where=here))
        assert np.all(np.isfinite(found[name]))
        assert np.max(np.abs(found[name] - expected[name]), initial=0.0, where=here) <= 1e-5 * scale, name


@recorded(f"keras-{OWN_VERSION}.keras", "losses.json")
def test_losses_are_those_of_the_original(folder):
    expected = json.loads((folder / "losses.json").read_text())[f"keras-{OWN_VERSION}"]
    model = opened(folder)
    model(files.feed(model, np.load(folder / "in.npz")))
    np.testing.assert_allclose([float(loss) for loss in model.losses], expected, rtol=1e-6)


@recorded(f"keras-{OWN_VERSION}.keras")
def test_configurations_are_written_as_the_original_writes_them(folder, tmp_path):
    opened(folder).save(tmp_path / "again.keras")
    expected, found = (vl3d_layers(path) for path in (folder / f"keras-{OWN_VERSION}.keras", tmp_path / "again.keras"))
    assert found == expected and found


def vl3d_layers(path):
    """What an archive says of VL3D's layers, but for numbers of shared objects, which are addresses."""
    with zipfile.ZipFile(path) as archive:
        layers = json.loads(archive.read("config.json"))["config"]["layers"]
    found = [layer for layer in layers if layer["class_name"] in files.CUSTOM_OBJECTS]
    # tf_keras writes its own modules' names in place of keras's.
    return json.loads(json.dumps(found).replace('"tf_keras.', '"keras.'), object_hook=_without_numbers)


def _without_numbers(found):
    newer = ("input_axes", "output_axes")  # which initializers of Keras 3.15 have besides
    return {key: value for key, value in found.items() if key not in ("shared_object_id", *newer)}


@recorded("keras-2.12.keras")
def test_an_hdf5_file_named_keras_opens_and_no_distance_gives_no_number(folder):
    model = opened(folder, "keras-2.12.keras")
    y = np.asarray(model(files.feed(model, np.load(folder / "in.npz"))))
    np.testing.assert_array_equal(y, np.load(folder / "golden.npz")["output_0"])
    assert np.all(np.isnan(y))


def test_a_gaussian_filter_without_its_meaning_is_an_error():
    with pytest.raises(ValueError, match="grow or fall with distance depends"):
        features.FeaturesUpsamplingLayer(filter="gaussian")
    assert features.FeaturesUpsamplingLayer(filter="gaussian", gaussian="grows").sign == 1.0
    with features.gaussian("falls"):
        assert features.FeaturesUpsamplingLayer(filter="gaussian").sign == -1.0


@pytest.mark.parametrize("kind", ["ellipsoids", "grids", "rectangulars", "cylinders"])
def test_structures_are_those_of_the_description(kind):
    config = {"max_radii": [1.0, 0.7, 1.3], "radii_resolution": 4, "angular_resolutions": [1, 2, 4, 5]}
    found = initializers.KernelPointStructureInitializer(**config, initialization_type=f"concentric_{kind}")
    np.testing.assert_allclose(found.points(), oracle.structure(config, f"concentric_{kind}"), atol=1e-15)


def test_a_cone_has_two_figures():
    config = {"max_radii": [1.0, 0.7, 1.3], "radii_resolution": 2, "angular_resolutions": [1, 6]}
    found = initializers.KernelPointStructureInitializer(**config, initialization_type="cone")
    np.testing.assert_allclose(found.points(), oracle.structure(config, "cone"), atol=1e-15)
    with pytest.raises(ValueError, match="cone needs radii_resolution=2; found 3"):
        initializers.KernelPointStructureInitializer([1, 1, 1], 3, [1, 2, 3], "cone").points()


def test_the_recorded_structure_has_this_order():
    """The recorded points were moved, but by less than half of the way to the next one."""
    config = {"max_radii": [1, 1, 1], "radii_resolution": 3, "angular_resolutions": [1, 2, 3]}
    moved = np.loadtxt(RECORDED / "e_rbf_extract_markov_rectangulars" / "bare" / "layer.Q.csv")
    expected = oracle.structure(config, "concentric_rectangulars")
    assert moved.shape == expected.shape and np.max(np.abs(moved - expected)) < 0.25


def test_the_points_of_a_ball_rest_with_one_at_its_centre():
    np.random.seed(0)
    q = initializers.KernelPointBallInitializer(0.7, 15)().numpy()
    radii = np.linalg.norm(q, axis=1)
    assert q.shape == (15, 3) and not q[0].any() and abs(radii.max() - 0.7) < 1e-6
    outer = radii > 0.35
    assert 12 <= outer.sum() <= 14  # of 14 repelling points some may rest inside
    place = q[1:].astype(np.float64)
    z = place[:, None] - place[None]
    d = np.linalg.norm(z, axis=-1) + np.diag(np.full(14, np.inf))
    push = np.sum(z / d[..., None] ** 3, axis=1)
    share = np.sum(push * place) / np.sum(place * place)
    assert np.abs(push - share * place).max() <= 1e-3 * np.abs(push).max()


def test_names_and_order_of_weights_are_the_originals():
    inputs = [(None, None, 3), (None, None, 4), (None, None, 5)]

    def names(layer, shape=inputs):
        layer.build(shape)
        return [w.name.split("/")[-1].split(":")[0] for w in layer.weights]

    light = {"num_kernel_points": 5, "Dout": 2}
    q = ["Q"] if KERAS_2 else []
    assert names(kpconv.KPConvLayer(**light)) == ["W", *q]
    assert names(kpconv.KPConvLayer(**light, deformable=True)) == [*q, "W"]
    assert names(kpconv.LightKPConvLayer(**light)) == ["W", "A", *q]
    assert names(kpconv.LightKPConvLayer(**light, A_trainable=False, deformable=True)) == [*q, "W", "A"]
    assert names(kpconv.LightKPConvLayer(**light, A_trainable=False)) == ["W", *q, "A"]
    assert names(features.HourglassLayer(2, 3), (None, None, 4)) == ["W1", "W2"]
    assert names(rbf.RBFFeatExtractLayer([1, 1, 1], 2, [1, 2], trainable_Q=False), (None, None, 3)) == (
        ["omega", "Q"] if KERAS_2 else []
    )


@pytest.mark.parametrize("settings", [{"filter": "median"}, {"filter": "gauss"}])
def test_unknown_filters_are_refused(settings):
    with pytest.raises(ValueError, match="filter must be mean, nearest, gaussian or exponential; found"):
        features.FeaturesDownsamplingLayer(**settings)


def test_files_come_back_as_they_were_written(case, tmp_path):
    model, inputs = case.model(), case.arrays()
    expected = np.asarray(model(files.feed(model, inputs)))
    model.save(tmp_path / "model.h5")  # first: Keras 2, after an archive, goes on with that form of objects
    model.save(tmp_path / "model.keras")
    shutil.copy(tmp_path / "model.h5", tmp_path / "hdf5.keras")
    files.write_bare(model, tmp_path / "bare")
    bare = None if KERAS_2 else tmp_path / "bare"
    readable = ["model.keras", "model.h5", "hdf5.keras"]
    if KERAS_2 and case.name == "tnet_of_three":  # Keras 2 reads an array within an initializer from archives only
        with pytest.raises(TypeError, match="__numpy__"):
            files.load(tmp_path / "model.h5")
        readable = ["model.keras"]
    for name in readable:
        with features.gaussian(case.gaussian):
            again = files.load(tmp_path / name, bare)
        np.testing.assert_array_equal(np.asarray(again(files.feed(again, inputs))), expected)


@pytest.mark.parametrize("name", BY_NAME)
def test_the_fixtures_hold_what_the_cases_make(name):
    model, inputs = BY_NAME[name].model(), BY_NAME[name].arrays()
    committed = np.load(MADE / name / "in.npz")
    assert sorted(committed.files) == sorted(inputs)
    for key, value in inputs.items():
        np.testing.assert_array_equal(committed[key], value)
    require_close("output", np.load(MADE / name / "golden.npz"), steps.outputs(model, inputs), 1e-5, 1.0)


FIXTURES = [path for path in sorted(MADE.glob(f"*/*{OWN_VERSION}*")) if not path.name.endswith((".weights.h5", ".npz"))]


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_file_of_the_fixtures_gives_the_golden_output(path):
    folder, case = path.parent, BY_NAME[path.parent.name]
    inputs = np.load(folder / "in.npz")
    with features.gaussian(case.gaussian):
        found = check.predicted(path, inputs, folder / "bare" if not KERAS_2 and (folder / "bare").exists() else None)
    require_close(path, np.load(folder / "golden.npz"), found, 1e-5, 1.0)


def test_weights_of_the_fixtures_load_into_the_model():
    folder, case = MADE / "kpconv_autoencoder", BY_NAME["kpconv_autoencoder"]
    model = case.model()
    expected = [np.asarray(weight) for weight in model.weights]
    for weight in model.weights:
        weight.assign(np.asarray(weight) + 1.0)
    model.load_weights(folder / f"keras-{OWN_VERSION}.weights.h5")
    for weight, array in zip(model.weights, expected, strict=True):
        np.testing.assert_array_equal(np.asarray(weight), array)


def test_a_step_of_adam_in_the_check_moves_each_trainable_weight_by_its_rule(tmp_path):
    folder = MADE / "kpconv_wide_sigma"
    model = files.load(folder / f"keras-{OWN_VERSION}.keras", None if KERAS_2 else folder / "bare")
    inputs = dict(np.load(folder / "in.npz"))
    before = [np.asarray(weight) for weight in model.weights]
    found = steps.train(model, inputs, 0.01, seed=5)
    y = np.load(folder / "golden.npz")["output_0"]
    w = before[0].astype(np.float64)
    own = 0.001 * np.abs(w).sum() + 0.02 * np.square(w).sum()
    assert difference(found["loss"][0], np.mean(np.square(y - found["target_0"])) + own) <= 1e-5
    assert [value for name, value in found.items() if name.startswith("weight_")][0].shape == before[0].shape
    np.testing.assert_allclose(np.linalg.norm(found["weight_0"], axis=1), 1.0, atol=1e-5)  # its constraint
    moved = np.abs(found["weight_0"] - before[0])
    assert 0 < moved.max() < 0.05
    for q in [found["bare.layer.Q"], *([found["weight_1"]] if KERAS_2 else [])]:
        np.testing.assert_array_equal(q, np.loadtxt(folder / "bare" / "layer.Q.csv", dtype="float32"))


@pytest.mark.parametrize("shift, status", [(0.0, 0), (1e-3, 1)])
def test_the_check_tells_by_its_status_whether_a_model_computes_the_golden_output(shift, status, tmp_path, monkeypatch):
    folder = MADE / "up_gaussian_grows"
    golden = np.load(folder / "golden.npz")["output_0"]
    np.savez(tmp_path / "golden.npz", output_0=golden + np.float32(shift))
    model = folder / f"keras-{OWN_VERSION}.keras"
    arguments = ["check", str(model), str(folder / "in.npz"), str(tmp_path / "golden.npz"), "--gaussian", "grows"]
    monkeypatch.setattr("sys.argv", arguments)
    with pytest.raises(SystemExit) as ended:
        check.main()
    assert ended.value.code == status


def test_the_check_writes_a_model_in_every_form_and_trains_it(tmp_path, monkeypatch):
    folder = MADE / "kpconv_autoencoder"
    bare = [] if KERAS_2 else ["--bare", str(folder / "bare")]
    out, written = tmp_path / "out.npz", tmp_path / "written"
    given = [str(folder / name) for name in (f"keras-{OWN_VERSION}.keras", "in.npz", "golden.npz")]
    wanted = ["--adam", "0.01", "--steps", "5", "--out", str(out), "--write", str(written)]
    monkeypatch.setattr("sys.argv", ["check", *given, *bare, *wanted])
    with pytest.raises(SystemExit) as ended:
        check.main()
    assert ended.value.code == 0
    losses = np.load(out)["loss"]
    assert losses.shape == (5,) and losses[-1] < losses[0]
    golden = np.load(folder / "golden.npz")
    for path in sorted(written.iterdir()):
        if path.name != "bare" and not path.name.endswith(".weights.h5"):
            found = check.predicted(path, np.load(folder / "in.npz"), None if KERAS_2 else written / "bare")
            require_close(path, golden, found, 1e-5, 1.0)
    assert len(list(written.iterdir())) == (5 if KERAS_2 else 4)


@pytest.mark.skipif(not keras.__version__.startswith(OWN_VERSION), reason="half a minute, and recorded by other versions")
@pytest.mark.parametrize("name", ["kpconv_autoencoder", "kpconvx_hierarchy", "point_net"])
def test_training_goes_as_the_fixture_tells(name):
    expected = np.load(MADE / name / f"keras-{OWN_VERSION}-trained.npz")
    model, inputs = BY_NAME[name].model(), {**BY_NAME[name].arrays(), "target_0": expected["target_0"]}
    found = steps.train(model, inputs, 0.001, steps=len(expected["loss"]))
    assert len(found["loss"]) == 50 and found["loss"][-1] < found["loss"][0]
    np.testing.assert_allclose(found["loss"], expected["loss"], rtol=1e-5)
