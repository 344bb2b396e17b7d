import json
from pathlib import Path

import keras
import numpy as np
import pytest

from kpconvx_compat.initializer import FibonacciShellInitializer, energy, fibonacci_directions, shell_points
from kpconvx_compat.make_fixtures import SHELLS

KERNEL_POINTS = Path(__file__).parents[2] / "savedmodels" / "parity" / "kernel_points.json"
THOMSON = {
    2: 0.5,
    3: 1.732050808,
    4: 3.674234614,
    5: 6.474691495,
    6: 9.985281374,
    7: 14.452977414,
    8: 19.675287861,
    12: 49.165253058,
    13: 58.853230612,
}


@pytest.mark.parametrize("n", THOMSON)
def test_a_unit_shell_solves_the_thomson_problem(n):
    assert energy(shell_points([1.0], [n])) == pytest.approx(THOMSON[n], abs=1e-6)


@pytest.mark.parametrize("radii, counts", SHELLS)
def test_points_stay_on_their_shells_without_tangential_force(radii, counts):
    points = shell_points(radii, counts)
    r = np.repeat(np.asarray(radii, float), counts)
    assert points.shape == (sum(counts), 3)
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), r, rtol=0, atol=1e-7)
    differences = points[:, None] - points
    cubes = np.linalg.norm(differences, axis=2) ** 3
    np.fill_diagonal(cubes, np.inf)
    force = np.sum(differences / cubes[..., None], axis=1)
    torque = np.cross(points, force)
    assert np.abs(torque).max() < 1e-9 * max(1.0, np.abs(force).max())


@pytest.mark.parametrize("radii, counts", SHELLS)
def test_points_equal_those_that_other_implementations_are_held_to(radii, counts):
    entries = json.loads(KERNEL_POINTS.read_text())
    (entry,) = [e for e in entries if e["radii"] == radii and e["points_per_shell"] == counts]
    np.testing.assert_allclose(shell_points(radii, counts), entry["points"], rtol=0, atol=1e-9)
    if sum(counts) > 1:
        assert energy(np.array(entry["points"])) == pytest.approx(entry["energy"], abs=1e-8)


def test_the_start_is_the_documented_lattice():
    alpha, beta = 4 * np.pi * 2 / (1 + 5**0.5), np.arccos(1 - 2 * 2 / 5)
    expected = [np.cos(alpha) * np.sin(beta), np.sin(alpha) * np.sin(beta), np.cos(beta)]
    np.testing.assert_allclose(fibonacci_directions(5)[2], expected, atol=1e-15)


def test_rounding_does_not_grow_on_the_way(monkeypatch):
    undisturbed = shell_points([0, 0.5, 1.0], [1, 14, 28])
    noise = np.random.default_rng(0)

    def disturbed(n):
        directions = fibonacci_directions(n) + noise.normal(0.0, 1e-15, (n, 3))
        return directions / np.linalg.norm(directions, axis=1, keepdims=True)

    monkeypatch.setattr("kpconvx_compat.initializer.fibonacci_directions", disturbed)
    np.testing.assert_allclose(shell_points([0, 0.5, 1.0], [1, 14, 28]), undisturbed, rtol=0, atol=1e-9)


def test_points_of_single_point_shells_part_to_opposite_sides():
    points = shell_points([0.5, 1.0], [1, 1])
    np.testing.assert_allclose(points[0] / 0.5, -points[1], atol=1e-9)


def test_four_points_do_not_stay_in_the_plane_they_would_start_in():
    assert np.linalg.matrix_rank(shell_points([0.5, 0.7, 1.0], [1, 1, 2]), tol=1e-3) == 3


@pytest.mark.parametrize(
    "radii, counts, message",
    [
        ([0, 0.5], [1], "same length"),
        ([], [], "same length"),
        ([-1.0], [1], ">= 0"),
        ([float("nan")], [1], ">= 0"),
        ([1.0], [0], ">= 1"),
        ([1.0], [2.5], "integers"),
        ([0.0], [2], "exactly one point"),
        ([0.0, 0.0], [1, 1], "at most one shell"),
    ],
)
def test_impossible_shells_are_refused(radii, counts, message):
    with pytest.raises(ValueError, match=message):
        shell_points(radii, counts)


def test_the_initializer_is_a_keras_initializer():
    initializer = FibonacciShellInitializer(2, [0, 0.8], [1, 6], deformable=True)
    again = FibonacciShellInitializer.from_config(initializer.get_config())
    assert again.get_config() == initializer.get_config()
    assert again.get_config()["deformable"] is True
    points = initializer((7, 3), dtype="float32")
    assert keras.backend.standardize_dtype(points.dtype) == "float32"
    np.testing.assert_array_equal(points, again((7, 3), dtype="float32"))
    with pytest.raises(ValueError, match=r"\(7, 3\); found \(8, 3\)"):
        initializer((8, 3))
    serialized = json.loads(json.dumps(keras.initializers.serialize(initializer)))
    assert keras.initializers.deserialize(serialized).get_config() == initializer.get_config()
    with pytest.raises(TypeError, match="unexpected keyword argument 'shell'"):
        FibonacciShellInitializer.from_config({**initializer.get_config(), "shell": 2})
    with pytest.raises(ValueError, match="shells=3 and 2 radii"):
        FibonacciShellInitializer(3, [0, 0.8], [1, 6])
