"""From the points of a neighbourhood to the inputs of a hierarchical network, as VL3D does it."""

import numpy as np
from scipy.spatial import cKDTree


def furthest_points(x, count):
    """Ascending indices of `count` points of x (n, 3), spread out.

    The first point, then always the one that is farthest from all chosen ones; of several the first.
    """
    if not 1 <= count <= len(x):
        raise ValueError(f"furthest points can be 1 to {len(x)}, the number of points; found {count}")
    chosen = np.zeros(count, np.int64)
    nearest = np.full(len(x), np.inf)
    for i in range(1, count):
        nearest = np.minimum(nearest, np.sum((x - x[chosen[i - 1]]) ** 2, axis=1))
        chosen[i] = np.argmax(nearest)
    if count > 1 and len(np.unique(chosen)) < count:
        raise ValueError(f"{count} points are asked for, but only {len(np.unique(chosen))} are distinct")
    return np.sort(chosen)


def nearest(of, among, count, what):
    """Indices (m, count), int32, of the nearest points `among` (n, 3) for each of `of` (m, 3), the nearest first."""
    if not 1 <= count <= len(among):
        raise ValueError(f"{what} can have 1 to {len(among)} columns, as there are so many points; found {count}")
    return cKDTree(among).query(of, k=np.arange(1, count + 1))[1].astype(np.int32)


def hierarchy(x, points, down, pwise, up):
    """The arrays of one field by name: X_t (R_t, 3) float32, ND_t, N_t and NU_t int32, for each depth t = 1 … d.

    x (n, 3): coordinates relative to the field's centre, in any unit. points: R_t. down, pwise, up: columns of ND_t,
    N_t, NU_t. ND_1 leads features and labels from x to X_1, NU_1 leads scores back; both stay outside of the network.
    Neighbours are found before coordinates are rounded to float32.
    """
    found, above = {}, np.asarray(x, np.float64)
    for t, (count, a, b, c) in enumerate(zip(points, down, pwise, up, strict=True), start=1):
        here = above[furthest_points(above, count)]
        found[f"X_{t}"] = here.astype(np.float32)
        found[f"ND_{t}"] = nearest(here, above, a, f"ND_{t}")
        found[f"N_{t}"] = nearest(here, here, b, f"N_{t}")
        found[f"NU_{t}"] = nearest(above, here, c, f"NU_{t}")
        above = here
    return found


def inputs(fields, features):
    """What a network takes, by name, from fields of the same settings and each one's features (n, D), batched.

    Fin is the mean of the features of the ND_1 neighbours.
    """
    depths = range(1, 1 + sum(key.startswith("X_") for key in fields[0]))
    names = [
        *(f"X_{t}" for t in depths),
        *(f"{key}_{t}" for key in ("ND", "NU") for t in depths[1:]),
        *(f"N_{t}" for t in depths),
    ]
    found = {name: np.stack([field[name] for field in fields]) for name in names}
    means = [np.asarray(f)[field["ND_1"]].mean(axis=1) for field, f in zip(fields, features, strict=True)]
    return {**found, "Fin": np.stack(means).astype(np.float32)}
