"""The hierarchical aerial network: its fields and its training."""

import json
from pathlib import Path

import numpy as np
import pytest

from kpconvx_compat.aerial import hierarchical, pipeline, scene, train
from kpconvx_compat.vl3d import files, hierarchy

SHIPPED = Path(__file__).parents[2] / "savedmodels"
PARAMETERS = train.PARAMETERS


@pytest.fixture(scope="module")
def village(tmp_path_factory):
    path = tmp_path_factory.mktemp("village") / "scene.laz"
    scene.write_laz(path, scene.generate(33, 40.0))
    return pipeline.read_points(path)


@pytest.fixture(scope="module")
def fields(village):
    return hierarchical.fields(village, PARAMETERS)


def test_every_point_is_of_one_tiles_core(village, fields):
    kept = np.concatenate([tile.index[tile.core] for _, tile in fields])
    np.testing.assert_array_equal(np.sort(kept), range(len(village)))


def test_a_field_is_a_hierarchy_as_vl3d_makes_it(village, fields):
    inputs, tile = min(fields, key=lambda field: len(field[1].index))
    counts = [len(tile.index)]
    counts += [-(-counts[0] // 4), -(-(-(-counts[0] // 4)) // 4)]
    expected = hierarchy.hierarchy(
        (village.raw[tile.index] - tile.centre).astype(float), counts, [1, 16, 16], [16, 16, 16], [1, 3, 3]
    )
    for t in (1, 2, 3):
        x = (expected[f"X_{t}"].astype(float) * village.scale / PARAMETERS.unit)
        np.testing.assert_allclose(inputs[f"X_{t}"][0], x, atol=1e-5)
    for name in ("N_1", "N_2", "N_3", "ND_2", "ND_3", "NU_2", "NU_3"):
        same = inputs[name][0] == expected[name]  # but for ties, which the tree breaks as it likes
        assert same.mean() > 0.99 and inputs[name].dtype == np.int32, name


def test_ties_go_to_the_lower_index():
    among = np.array([[1, 0, 0], [0, 1, 0], [-1, 0, 0], [0, -1, 0], [5, 5, 5]])
    np.testing.assert_array_equal(pipeline.nearest([[0, 0, 0]], among, 3), [[0, 1, 2]])
    np.testing.assert_array_equal(pipeline.nearest([[9, 9, 9]], among, 6), [[4, 0, 1, 2, 3, 3]])
    np.testing.assert_array_equal(pipeline.nearest([[0, 0, 0]], among, 2, 2), [[0, 2]])


def test_augmentation_turns_all_depths_alike(fields):
    inputs, _ = fields[0]
    again = hierarchical.augmented(inputs, np.random.default_rng(3))
    assert not np.array_equal(again["X_1"], inputs["X_1"]) and not np.array_equal(again["Fin"], inputs["Fin"])
    np.testing.assert_array_equal(again["N_1"], inputs["N_1"])
    place = inputs["ND_2"][0, :, 0]  # the nearest point above is the point itself
    np.testing.assert_allclose(again["X_2"][0], again["X_1"][0][place], atol=1e-6)
    np.testing.assert_allclose(
        np.linalg.norm(again["X_3"][..., :2], axis=-1), np.linalg.norm(inputs["X_3"][..., :2], axis=-1), rtol=1e-5
    )


def test_a_network_learns_and_is_written_whole(village, fields, tmp_path, monkeypatch):
    channel = pipeline.channels(village.classification, PARAMETERS.codes)
    samples = [(inputs, channel[tile.index]) for inputs, tile in fields]
    model = hierarchical.network(PARAMETERS, channels=(8, 16, 16), blocks=(1, 1, 1), momentum=0.8)
    lines = []
    hierarchical.fit(model, samples, epochs=6, say=lines.append)
    losses = [float(line.split("loss ")[1].split(",")[0]) for line in lines]
    assert len(losses) == 6 and losses[-1] < 0.8 * losses[0]
    target = tmp_path / "made" / "aerial_hierarchical"
    hierarchical.write(target, model, village, PARAMETERS, {"epochs": 6}, lines.append)
    assert hierarchical.check(target, village, lines.append), lines
    found = hierarchical.caller(model)(np.load(target / "inputs.npz"))
    np.testing.assert_allclose(found, np.load(target / "golden.npz")["output_0"], atol=1e-6)
    assert json.loads((target / "assets.extra" / "hierarchy.json").read_text())["depths"][1] == {
        "share": 4, "neighbours": 16, "down": 16, "up": 3,
    }
    predictions = np.load(target / "predictions.npz")["probabilities"]
    np.savez(target / "predictions.npz", probabilities=predictions[:, ::-1])
    assert not hierarchical.check(target, village, lines.append)


def test_the_shipped_network_computes_what_was_shipped_and_beats_the_flat_one():
    points = pipeline.read_points(SHIPPED / "aerial" / "scene.laz")
    golden = np.load(SHIPPED / "aerial_hierarchical" / "golden.npz")
    inputs = np.load(SHIPPED / "aerial_hierarchical" / "inputs.npz")
    made, tile = min(hierarchical.fields(points, PARAMETERS), key=lambda field: len(field[1].index))
    np.testing.assert_array_equal(tile.index, golden["index"])
    assert sorted(made) == sorted(inputs.files)
    for name, array in made.items():
        np.testing.assert_array_equal(array, inputs[name], err_msg=name)
    folder = SHIPPED / "aerial_hierarchical"
    model = files.load(folder / "aerial_hierarchical.keras", folder / "bare")
    np.testing.assert_allclose(hierarchical.caller(model)(inputs), golden["output_0"], atol=1e-5)
    report = json.loads((folder / "report.json").read_text())
    figures = train.figures(points, np.load(folder / "predictions.npz")["probabilities"], PARAMETERS)
    assert {key: report[key] for key in figures} == figures
    flat = json.loads((SHIPPED / "aerial" / "report.json").read_text())
    assert report["mean_iou"] > flat["mean_iou"] and report["unseen_scene"] not in report["training_scenes"]


def test_the_unseen_scene_is_not_learned_from(tmp_path):
    with pytest.raises(ValueError, match="hold the unseen scene's, 9"):
        hierarchical.build(tmp_path / "new", training=(9, 10))
    with pytest.raises(FileExistsError, match="expected a directory that is to be made"):
        hierarchical.build(tmp_path)
