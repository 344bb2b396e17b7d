import numpy as np
import pytest

from kpconvx_compat.vl3d.hierarchy import furthest_points, hierarchy, inputs, nearest

CLOUD = np.random.default_rng(7).uniform(-1.0, 1.0, (60, 3))


def test_furthest_points_begin_with_the_first_and_stay_in_order():
    line = np.array([[0.0], [1.0], [9.0], [5.0], [10.0]]) * [1, 0, 0]
    np.testing.assert_array_equal(furthest_points(line, 1), [0])
    np.testing.assert_array_equal(furthest_points(line, 2), [0, 4])
    np.testing.assert_array_equal(furthest_points(line, 3), [0, 3, 4])
    np.testing.assert_array_equal(furthest_points(line, 5), range(5))


def test_of_points_equally_far_the_first_is_taken():
    np.testing.assert_array_equal(furthest_points(np.array([[0.0, 0, 0], [1, 0, 0], [-1, 0, 0]]), 2), [0, 1])


def test_furthest_points_keep_the_greedy_rule():
    chosen = furthest_points(CLOUD, 12)
    assert np.all(np.diff(chosen) > 0) and chosen[0] == 0
    distances = np.linalg.norm(CLOUD[:, None] - CLOUD[chosen], axis=-1)
    among = distances[chosen] + np.where(np.eye(12) > 0, np.inf, 0.0)
    assert distances.min(axis=1).max() <= among.min() + 1e-12  # no point left is farther than two chosen ones are apart


@pytest.mark.parametrize("count", [0, 61])
def test_more_points_than_there_are_is_an_error(count):
    with pytest.raises(ValueError, match=f"1 to 60, the number of points; found {count}"):
        furthest_points(CLOUD, count)


def test_points_that_coincide_are_an_error():
    with pytest.raises(ValueError, match="3 points are asked for, but only 2 are distinct"):
        furthest_points(np.array([[0.0, 0, 0], [1, 0, 0], [1, 0, 0]]), 3)


def test_more_neighbours_than_points_is_an_error():
    with pytest.raises(ValueError, match="NU_2 can have 1 to 5 columns, as there are so many points; found 6"):
        nearest(CLOUD, CLOUD[:5], 6, "NU_2")


def test_a_hierarchy_leads_from_each_level_to_the_next():
    found = hierarchy(CLOUD, [32, 16, 8], [1, 6, 5], [8, 6, 4], [2, 3, 2])
    above = CLOUD
    for t, (count, a, b, c) in enumerate(zip([32, 16, 8], [1, 6, 5], [8, 6, 4], [2, 3, 2]), start=1):
        here = above[furthest_points(above, count)]
        np.testing.assert_array_equal(found[f"X_{t}"], here.astype("float32"))
        for name, of, among, columns in (("ND", here, above, a), ("N", here, here, b), ("NU", above, here, c)):
            n = found[f"{name}_{t}"]
            assert n.shape == (len(of), columns) and n.dtype == np.int32
            distances = np.linalg.norm(of[:, None] - among, axis=-1)
            np.testing.assert_allclose(
                np.take_along_axis(distances, n, axis=1), np.sort(distances, axis=1)[:, :columns], atol=1e-12
            )
        np.testing.assert_array_equal(found[f"N_{t}"][:, 0], range(count))
        above = here


def test_features_are_means_over_the_field_itself():
    fields = [hierarchy(CLOUD, [20, 8], [3, 2], [4, 4], [1, 2]), hierarchy(-CLOUD, [20, 8], [3, 2], [4, 4], [1, 2])]
    features = np.random.default_rng(1).standard_normal((2, 60, 5))
    found = inputs(fields, features)
    assert sorted(found) == ["Fin", "ND_2", "NU_2", "N_1", "N_2", "X_1", "X_2"]
    assert found["Fin"].shape == (2, 20, 5) and found["Fin"].dtype == np.float32
    np.testing.assert_allclose(found["Fin"][1, 4], features[1][fields[1]["ND_1"][4]].mean(axis=0), rtol=1e-6)
