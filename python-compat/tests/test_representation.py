import hashlib

import numpy as np
import pytest
import tensorflow as tf

from kpconvx_compat import original
from kpconvx_compat.layer import KPConvXLayer

SETTINGS = {"name": "conv", "shell_radii": [0, 1.0], "shell_points": [1, 4], "groups": 2, "DH": 4, "blocks": 2}
NOW = {"Q.csv", "W0.csv", "W1.csv"}


def built(cls=KPConvXLayer):
    layer = cls(**SETTINGS)
    layer.build([(None, None, 3), (None, None, 6), (None, None, None)])
    return layer


def names(directory):
    return {path.name for path in directory.iterdir()}


@pytest.mark.parametrize("cls", [KPConvXLayer, original.KPConvXLayer])
def test_tables_hold_the_kernel_and_pictures_go_with_them(cls, tmp_path):
    layer = built(cls)
    layer.export_representation(tmp_path / "new" / "folder")
    assert names(tmp_path / "new" / "folder") == NOW | {"Qinit.svg", "Winit_mat.svg", "Winit_hist.svg"}
    np.testing.assert_allclose(np.loadtxt(tmp_path / "new/folder/Q.csv"), layer.Q.numpy(), atol=5.1e-8)
    for t in range(2):
        np.testing.assert_allclose(np.loadtxt(tmp_path / f"new/folder/W{t}.csv"), layer.W.numpy()[t], atol=5.1e-8)


@pytest.mark.parametrize("past", [np.asarray, tf.constant, tf.Variable])
def test_with_the_past_comes_what_has_changed(past, tmp_path):
    layer = built()
    layer.export_representation(str(tmp_path), Wpast=past(layer.W.numpy() - 0.25))
    changed = {"Qend.svg", "Wend_mat.svg", "Wend_hist.svg", "Wdiff_mat.svg", "Wdiff_hist.svg"}
    assert names(tmp_path) == NOW | changed
    heading = "block 0: 30 weights, mean 0.2500, standard deviation 0.0000, from 0.2500 to 0.2500"
    for picture in ("Wdiff_mat.svg", "Wdiff_hist.svg"):
        assert heading in (tmp_path / picture).read_text()


def test_the_same_kernel_gives_the_same_bytes(tmp_path):
    layer = built()
    found = []
    for folder in ("a", "b"):
        layer.export_representation(tmp_path / folder)
        found.append({p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in (tmp_path / folder).iterdir()})
    assert found[0] == found[1]


def test_a_star_stands_for_the_prefix_without_its_last_character(tmp_path):
    built().export_representation("*/kernel", f"{tmp_path}/model_")
    assert NOW < names(tmp_path / "model" / "kernel")
    for prefix in (None, ""):
        with pytest.raises(ValueError, match="starts with \\*"):
            built().export_representation("*/kernel", prefix)


def test_without_a_directory_nothing_is_done(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    built().export_representation(None)
    assert not names(tmp_path)


def test_what_cannot_be_leaves_nothing(tmp_path):
    with pytest.raises(ValueError, match=r"conv: the past W has shape \(2, 5, 7\), expected \(2, 5, 6\)"):
        built().export_representation(tmp_path / "out", Wpast=np.zeros((2, 5, 7)))
    with pytest.raises(ValueError, match="not built|before it is built"):
        KPConvXLayer(**SETTINGS).export_representation(tmp_path / "out")
    assert not names(tmp_path)
