"""The aerial scene, its pipeline, and the model that is shipped with them."""

import dataclasses
import json
from pathlib import Path

import keras
import laspy
import numpy as np
import pytest

from kpconvx_compat.aerial import __main__ as command
from kpconvx_compat.aerial import pipeline, scene, train

SHIPPED = Path(__file__).parents[2] / "savedmodels" / "aerial"


def parameters(**changes):
    given = dict(tile=4.0, margin=1.0, neighbours=5, dilation=2, unit=0.5, ground_cell=2.0, height_unit=10.0,
                 classes=scene.CLASSES)
    return pipeline.PipelineParameters(**{**given, **changes})


def random_points(seed, count, extent=12_000):
    rng = np.random.default_rng(seed)
    returns = rng.integers(1, 6, count)
    return pipeline.Points(
        raw=rng.integers([5000, -7000, 100], [5000 + extent, -7000 + extent, 3000], (count, 3)),
        scale=0.001,
        intensity=rng.integers(0, 65536, count),
        return_number=rng.integers(1, returns + 1),
        number_of_returns=returns,
        classification=rng.choice([2, 5, 6, 14, 64], count),
    )


@pytest.fixture(scope="module")
def village():
    return scene.generate(31, 64.0)


@pytest.fixture(scope="module")
def shipped_points():
    return pipeline.read_points(SHIPPED / "scene.laz")


@pytest.fixture(scope="module")
def shipped_parameters():
    return pipeline.PipelineParameters.from_file(SHIPPED / "assets.extra" / "pipeline.json")


# --- scene ----------------------------------------------------------------------------------------------------


def test_a_scene_follows_from_its_seed(village):
    again = scene.generate(31, 64.0)
    assert village.keys() == again.keys()
    for key in village:
        np.testing.assert_array_equal(village[key], again[key], err_msg=key)
    other = scene.generate(32, 64.0)
    assert len(other["x"]) != len(village["x"]) or (other["x"] != village["x"]).any()


def test_a_scene_looks_like_a_scan(village):
    count = len(village["x"])
    assert 6 < count / 64.0**2 < 13
    assert set(np.unique(village["classification"])) == {2, 5, 6, 14, 64}
    for axis in "xy":
        assert village[axis].min() > 0 and village[axis].max() < 64
    number, returns = village["return_number"], village["number_of_returns"]
    assert number.min() == 1 and (number <= returns).all() and returns.max() == 5
    # Several returns come from vegetation and wires, hardly ever from roads and roofs.
    assert (returns[village["classification"] == 5] > 1).mean() > 0.5
    assert (returns[village["classification"] == 6] > 1).mean() < 0.3
    assert set(np.unique(village["point_source_id"])) == {1, 2}


def test_a_scene_is_written_as_las_1_4(village, tmp_path):
    path = tmp_path / "scene.laz"
    scene.write_laz(path, village)
    assert [entry.name for entry in tmp_path.iterdir()] == ["scene.laz"]
    las = laspy.read(path)
    assert str(las.header.version) == "1.4" and las.header.point_format.id == 6
    assert las.header.scales.tolist() == [0.001] * 3
    assert las.header.offsets.tolist() == list(scene.OFFSETS)
    for key in ("intensity", "return_number", "number_of_returns", "classification", "gps_time"):
        np.testing.assert_array_equal(las[key], village[key], err_msg=key)
    for axis, offset in zip("xyz", scene.OFFSETS):
        assert np.abs(las[axis] - offset - village[axis]).max() < 0.00051
    points = pipeline.read_points(path)
    assert len(points) == len(village["x"]) and points.scale == 0.001


# --- pipeline -------------------------------------------------------------------------------------------------


def brute_force(raw, count, dilation):
    rows = []
    for i in range(len(raw)):
        distance = [sum((int(a) - int(b)) ** 2 for a, b in zip(p, raw[i])) for p in raw]
        ranked = sorted(range(len(raw)), key=lambda j: (distance[j], j))
        rows.append([ranked[min(r * dilation, len(raw) - 1)] for r in range(count)])
    return np.array(rows)


@pytest.mark.parametrize("count, dilation", [(1, 1), (5, 1), (6, 3), (16, 2)])
def test_neighbours_are_those_of_brute_force_despite_ties(count, dilation):
    lattice = np.stack(np.meshgrid(*[np.arange(5) * 700] * 3), axis=-1).reshape(-1, 3)
    raw = np.random.default_rng(3).permutation(np.concatenate([lattice, lattice[::7], lattice[::7], lattice[:40]]))
    found = pipeline.neighbours(raw + 10**8, count, dilation)
    assert found.dtype == np.int32
    np.testing.assert_array_equal(found, brute_force(raw, count, dilation))


def test_neighbours_of_many_points_in_one_place():
    raw = np.full((300, 3), 12345)
    np.testing.assert_array_equal(pipeline.neighbours(raw, 4, 2), np.tile([0, 2, 4, 6], (300, 1)))


@pytest.mark.parametrize("total", [1, 2, 5, 9])
def test_ranks_are_clamped_where_points_are_few(total):
    raw = np.random.default_rng(total).integers(0, 1000, (total, 3))
    found = pipeline.neighbours(raw, 5, 2)
    np.testing.assert_array_equal(found, brute_force(raw, 5, 2))
    assert found.max() < total and (found[:, 0] == np.arange(total)).all()


def test_tiles_partition_the_points():
    points, chosen = random_points(5, 700), parameters()
    low = points.raw.min(axis=0)
    seen = np.zeros(len(points), dtype=int)
    for tile in pipeline.tiles(points, chosen):
        assert (np.diff(tile.index) > 0).all() and tile.core.any()
        seen[tile.index[tile.core]] += 1
        corner = low[:2] + np.array([tile.column, tile.row]) * 4000
        place = points.raw[:, :2] - corner
        np.testing.assert_array_equal(tile.index, np.flatnonzero(((place >= -1000) & (place < 5000)).all(axis=1)))
        inside = ((place >= 0) & (place < 4000)).all(axis=1)
        np.testing.assert_array_equal(tile.core, inside[tile.index])
        assert tile.centre.tolist() == [*(corner + 2000), low[2]]
    assert (seen == 1).all()


def test_empty_tiles_are_left_out():
    points = random_points(6, 40)
    keep = (points.raw[:, 0] < 9000) | (points.raw[:, 0] >= 13000)
    columns = {f.name: getattr(points, f.name) for f in dataclasses.fields(points)}
    points = pipeline.Points(**{k: v if k == "scale" else v[keep] for k, v in columns.items()})
    found = {(tile.row, tile.column) for tile in pipeline.tiles(points, parameters())}
    place = (points.raw[:, :2] - points.raw.min(axis=0)[:2]) // 4000
    assert found == {(int(row), int(column)) for column, row in place}


def test_inputs_are_what_the_formulas_say():
    points, chosen = random_points(7, 300), parameters()
    columns = pipeline.features(points, chosen)
    cell = (points.raw[:, :2] - points.raw.min(axis=0)[:2]) // 2000
    for i in range(0, 300, 7):
        near = (np.abs(cell - cell[i]) <= 1).all(axis=1)
        lowest = points.raw[near, 2].min()
        expected = [
            float(points.raw[i, 2] - lowest) * 0.001 / 10.0,
            float(points.intensity[i]) / 65535,
            float(points.return_number[i]) / float(points.number_of_returns[i]),
            float(points.number_of_returns[i]) / 5,
        ]
        assert columns[i].tolist() == np.array(expected).astype(np.float32).tolist()
    tile = pipeline.tiles(points, chosen)[3]
    x, f, n = pipeline.tile_inputs(points, columns, tile, chosen)
    assert (x.dtype, f.dtype, n.dtype) == (np.float32, np.float32, np.int32)
    assert x.shape == (1, len(tile.index), 3) and n.shape == (1, len(tile.index), 5)
    for i, place in enumerate(tile.index):
        expected = [float(int(points.raw[place, a]) - int(tile.centre[a])) * 0.001 / 0.5 for a in range(3)]
        assert x[0, i].tolist() == np.array(expected).astype(np.float32).tolist()
    np.testing.assert_array_equal(f[0], columns[tile.index])


def test_predictions_are_kept_for_core_points_only():
    points, chosen = random_points(8, 500), parameters()
    columns = pipeline.features(points, chosen)
    answer = pipeline.predict(lambda x, f, n: np.concatenate([f, f[..., :1]], axis=-1), points, chosen)
    np.testing.assert_array_equal(answer[:, :4], columns)
    assert answer.dtype == np.float32 and answer.shape == (500, 5)


def test_files_that_the_pipeline_cannot_take(village, tmp_path):
    path = tmp_path / "other.laz"
    las = laspy.LasData(laspy.LasHeader(version="1.4", point_format=6))
    las.header.scales = [0.001, 0.001, 0.01]
    las.x = las.y = las.z = np.arange(3.0)
    las.write(path)
    with pytest.raises(ValueError, match=r"other.laz: scales are \[0.001, 0.001, 0.01\], expected the same"):
        pipeline.read_points(path)
    las.header.scales = [0.001] * 3
    las["number_of_returns"] = [1, 0, 1]
    las.write(path)
    with pytest.raises(ValueError, match="point 1 has number_of_returns 0"):
        pipeline.read_points(path)
    laspy.LasData(laspy.LasHeader(version="1.4", point_format=6)).write(path)
    with pytest.raises(ValueError, match="has no points"):
        pipeline.read_points(path)


@pytest.mark.parametrize("change, message", [
    ({"tile": 0.0}, "tile is 0.0, expected a length > 0"),
    ({"margin": -1.0}, "margin is -1.0, expected a length >= 0"),
    ({"neighbours": 0}, "neighbours is 0, expected an integer >= 1"),
    ({"dilation": 1.5}, "dilation is 1.5, expected an integer >= 1"),
    ({"features": ("height",)}, r"features are \['height'\], expected"),
    ({"classes": ({"code": 2}, {"code": 2})}, r"class codes are \[2, 2\]"),
])
def test_parameters_out_of_bounds(change, message):
    with pytest.raises(ValueError, match=message):
        parameters(**change)


def test_parameters_survive_their_file(tmp_path):
    path = tmp_path / "pipeline.json"
    path.write_text(parameters().to_json())
    assert pipeline.PipelineParameters.from_file(path) == parameters()
    path.write_text('{"tile": 32, "colour": 1}')
    with pytest.raises(ValueError, match=r"unknown keys \['colour'\], missing keys \['classes', 'dilation'"):
        pipeline.PipelineParameters.from_file(path)


def test_confusion_and_intersection_over_union():
    codes = np.array([2, 64, 5])
    matrix = pipeline.confusion(np.array([2, 2, 64, 5, 5]), np.array([0, 1, 1, 2, 0]), codes)
    assert matrix.tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 1]]
    np.testing.assert_allclose(pipeline.intersection_over_union(matrix), [1 / 3, 1 / 2, 1 / 2])
    with pytest.raises(ValueError, match=r"classification holds \[7\], expected only \[2, 64, 5\]"):
        pipeline.confusion(np.array([2, 7]), np.array([0, 0]), codes)


# --- the shipped model ----------------------------------------------------------------------------------------


def test_the_shipped_files_are_small_and_complete(shipped_points):
    files = [path for path in SHIPPED.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 8e6
    assert 120_000 <= len(shipped_points) <= 160_000
    assert shipped_points.raw[:, :2].max() <= 128_000
    assert (SHIPPED / "assets.extra" / "keras_config.json").is_file()


def test_the_code_is_that_of_the_shipped_model(shipped_parameters):
    assert shipped_parameters == train.PARAMETERS
    report = json.loads((SHIPPED / "report.json").read_text())
    assert report["unseen_scene"] == train.UNSEEN and report["unseen_scene"] not in report["training_scenes"]
    assert report["training_scenes"] == list(train.TRAINING) and report["seed"] == train.SEED
    assert report["epochs"] == train.EPOCHS
    fresh, shipped = train.network(train.PARAMETERS), keras.saving.load_model(SHIPPED / "aerial.keras")
    assert [layer.name for layer in fresh.layers] == [layer.name for layer in shipped.layers]
    assert [w.shape for w in fresh.weights] == [w.shape for w in shipped.weights]


def test_figures_are_those_of_the_report(shipped_points, shipped_parameters):
    report = json.loads((SHIPPED / "report.json").read_text())
    with np.load(SHIPPED / "predictions.npz") as stored:
        probabilities = stored["probabilities"]
    assert probabilities.dtype == np.float32 and probabilities.shape == (len(shipped_points), 5)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    found = train.figures(shipped_points, probabilities, shipped_parameters)
    assert found["mean_iou"] >= 0.85
    for key in found:
        assert found[key] == report[key], key


def test_the_model_gives_its_predictions_again(shipped_points, shipped_parameters):
    call = train.caller(keras.saving.load_model(SHIPPED / "aerial.keras"))
    columns = pipeline.features(shipped_points, shipped_parameters)
    grid = {f"tile_{t.row}_{t.column}": t for t in pipeline.tiles(shipped_points, shipped_parameters)}
    with np.load(SHIPPED / "pipeline_check.npz") as check, np.load(SHIPPED / "predictions.npz") as stored:
        names = sorted({key.split("/")[0] for key in check})
        assert len(names) == 2
        for name in names:
            tile = grid[name]
            x, f, n = pipeline.tile_inputs(shipped_points, columns, tile, shipped_parameters)
            for key, array in {"X": x, "F": f, "N": n, "index": tile.index, "core": tile.core}.items():
                assert array.dtype == check[f"{name}/{key}"].dtype
                np.testing.assert_array_equal(array, check[f"{name}/{key}"], err_msg=f"{name}/{key}")
            answer = call(x, f, n)[0][tile.core]
            difference = np.abs(answer - stored["probabilities"][tile.index[tile.core]]).max()
            assert difference <= train.TOLERANCE


# --- training -------------------------------------------------------------------------------------------------


def test_an_augmented_tile_keeps_distances_and_its_source():
    rng = np.random.default_rng(11)
    tile = (rng.normal(size=(1, 50, 3)).astype(np.float32), rng.random((1, 50, 4), dtype=np.float32),
            rng.integers(0, 50, (1, 50, 3)).astype(np.int32), rng.integers(0, 5, (1, 50)))
    before = [array.copy() for array in tile]
    x, f, n, channel = train.augmented(tile, rng)
    for array, kept in zip(tile, before):
        np.testing.assert_array_equal(array, kept)
    np.testing.assert_allclose(np.linalg.norm(x[0] - x[0, :1], axis=1),
                               np.linalg.norm(tile[0][0] - tile[0][0, :1], axis=1), atol=1e-5)
    np.testing.assert_array_equal(x[..., 2], tile[0][..., 2])
    np.testing.assert_array_equal(f[..., [0, 2, 3]], tile[1][..., [0, 2, 3]])
    assert n is tile[2] and channel is tile[3] and not np.array_equal(x, tile[0])


def test_training_learns():
    rng = np.random.default_rng(12)
    x = rng.normal(size=(1, 60, 3)).astype(np.float32)
    channel = (x[..., 2] > 0).astype(np.int64) * 3
    f = np.concatenate([x[..., 2:], rng.random((1, 60, 3), dtype=np.float32)], axis=-1)
    tile = (x, f, rng.integers(0, 60, (1, 60, 4)).astype(np.int32), channel)
    model = train.fit([tile] * 60, parameters(neighbours=4), epochs=2, verbose=0)
    answer = train.caller(model)(*tile[:3])
    assert answer.shape == (1, 60, 5)
    assert (answer.argmax(axis=-1) == channel).mean() > 0.9


def test_the_command_names_bad_usage(tmp_path, capsys):
    for arguments, message in (
        ([str(tmp_path)], "exists; --force replaces it"),
        ([str(tmp_path / "none"), "--check"], "is not a directory"),
        ([str(tmp_path / "none"), "--evaluate", "model.keras"], "is not a directory"),
        ([str(tmp_path), "--scenes"], "exists"),
        ([], "OUT_DIR"),
    ):
        with pytest.raises(SystemExit) as stopped:
            command.main(arguments)
        assert stopped.value.code == 2
        assert message in capsys.readouterr().err


def test_a_check_of_something_else_is_one_clear_line(tmp_path, capsys):
    assert command.main([str(tmp_path), "--check"]) == 1
    error = capsys.readouterr().err
    assert "pipeline.json" in error and error.count("\n") == 1


def test_the_shipped_model_is_measured_as_its_report_says(capsys):
    assert command.main([str(SHIPPED), "--evaluate", str(SHIPPED / "aerial.keras")]) == 0
    report = json.loads((SHIPPED / "report.json").read_text(encoding="utf-8"))
    assert f"mean IoU {report['mean_iou']:.4f}, accuracy {report['accuracy']:.4f}" in capsys.readouterr().out


def test_scenes_are_written_to_train_elsewhere(tmp_path):
    train.write_scenes(tmp_path / "scenes", training=(5,), size=40.0, say=lambda line: None)
    assert len(pipeline.read_points(tmp_path / "scenes" / "scene_5.laz")) > 100
