"""From a LAS/LAZ file to the inputs X, F, N of the aerial model, tile by tile.

Every value is defined on the file's raw integers, and every floating-point operation is a single float64 operation in
a stated order, so that another language computes the same bits:

- Tiles: column ``(xi - xmin) // tile``, row ``(yi - ymin) // tile``. The points of a tile are those within ``margin``
  of it, in ascending file order; results are kept for its core points only.
- Neighbours: squared distances in 3-D as 64-bit integers, sorted by (distance², index), the point itself included;
  ranks 0, d, 2d, … for dilation d. Ranks past the last point of a small tile are clamped to the last one.
- X: ``float32((raw - centre) * scale / unit)`` with the tile's centre in x and y and the file's lowest point in z.
- F: ``height = (zi - zg) * scale / height_unit`` with zg the lowest zi in the 3 × 3 ground cells around the point's
  own; ``intensity = intensity / 65535``; ``return_ratio = return_number / number_of_returns``;
  ``returns = number_of_returns / 5``.
"""

import dataclasses
import json
import os

import laspy
import numpy as np
from scipy.spatial import cKDTree

FEATURES = ("height", "intensity", "return_ratio", "returns")


@dataclasses.dataclass(frozen=True)
class PipelineParameters:
    """What ``assets.extra/pipeline.json`` holds; lengths in metres.

    Attributes:
        tile: side of a tile's core, > 0.
        margin: width of the border around the core whose points are fed along, >= 0.
        neighbours: κ, neighbours of each point (itself included), >= 1.
        dilation: every dilation-th nearest neighbour is taken, >= 1.
        unit: length that becomes 1 in X, > 0.
        ground_cell: side of the cells in which the lowest point is looked for, > 0.
        height_unit: length that becomes 1 in the feature ``height``, > 0.
        classes: tuple of dicts with ``code`` (LAS classification), ``name``, ``color`` (``#rrggbb``), in the order of
            the model's output channels.
        features: names of the columns of F, always :data:`FEATURES`.
    """

    tile: float
    margin: float
    neighbours: int
    dilation: int
    unit: float
    ground_cell: float
    height_unit: float
    classes: tuple
    features: tuple = FEATURES

    def __post_init__(self):
        for key in ("tile", "unit", "ground_cell", "height_unit"):
            if not getattr(self, key) > 0:
                raise ValueError(f"pipeline: {key} is {getattr(self, key)!r}, expected a length > 0")
        if not self.margin >= 0:
            raise ValueError(f"pipeline: margin is {self.margin!r}, expected a length >= 0")
        for key in ("neighbours", "dilation"):
            value = getattr(self, key)
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"pipeline: {key} is {value!r}, expected an integer >= 1")
        if tuple(self.features) != FEATURES:
            raise ValueError(f"pipeline: features are {list(self.features)}, expected {list(FEATURES)}")
        codes = [c["code"] for c in self.classes]
        if not codes or len(set(codes)) != len(codes):
            raise ValueError(f"pipeline: class codes are {codes}, expected one or more, each once")

    @property
    def codes(self):
        """LAS classification codes, in the order of the model's output channels."""
        return np.array([c["code"] for c in self.classes], dtype=np.int64)

    def to_json(self):
        """The JSON text of ``pipeline.json``."""
        keys = ("tile", "margin", "neighbours", "dilation", "unit", "ground_cell", "height_unit", "features", "classes")
        return json.dumps({key: getattr(self, key) for key in keys}, indent=2) + "\n"

    @classmethod
    def from_file(cls, path):
        """Reads ``pipeline.json``; ValueError names unknown and missing keys."""
        with open(path, encoding="utf-8") as stream:
            given = json.load(stream)
        known = {field.name for field in dataclasses.fields(cls)}
        if set(given) != known:
            raise ValueError(
                f"{path}: unknown keys {sorted(set(given) - known)}, missing keys {sorted(known - set(given))}"
            )
        given["features"] = tuple(given["features"])
        given["classes"] = tuple(given["classes"])
        return cls(**given)


@dataclasses.dataclass(frozen=True)
class Points:
    """The columns of a LAS file that the pipeline uses, in file order.

    Attributes:
        raw: (n, 3) int64, the raw integer coordinates.
        scale: metres per raw unit, the same for all axes.
        intensity, return_number, number_of_returns, classification: (n,) int64.
    """

    raw: np.ndarray
    scale: float
    intensity: np.ndarray
    return_number: np.ndarray
    number_of_returns: np.ndarray
    classification: np.ndarray

    def __len__(self):
        return len(self.raw)


@dataclasses.dataclass(frozen=True)
class Tile:
    """One call of the model.

    Attributes:
        row, column: the tile's place in the grid.
        index: (R,) int64, the tile's points as ascending indices into the file.
        core: (R,) bool, the points whose results are kept.
        centre: (3,) int64, the raw coordinates that X counts from.
    """

    row: int
    column: int
    index: np.ndarray
    core: np.ndarray
    centre: np.ndarray


def read_points(path):
    """Reads a LAS or LAZ file.

    Args:
        path: the file.

    Returns:
        Points.

    Raises:
        ValueError: no points, scales that differ between the axes, or a point without returns.
    """
    las = laspy.read(os.fspath(path))
    scales = np.asarray(las.header.scales, dtype=np.float64)
    if not (scales == scales[0]).all():
        raise ValueError(f"{path}: scales are {scales.tolist()}, expected the same scale for x, y and z")
    if len(las.points) == 0:
        raise ValueError(f"{path}: has no points")
    raw = np.stack([np.asarray(las[axis], dtype=np.int64) for axis in "XYZ"], axis=1)
    columns = ("intensity", "return_number", "number_of_returns", "classification")
    points = Points(raw, float(scales[0]), *(np.asarray(las[name], dtype=np.int64) for name in columns))
    if points.number_of_returns.min() < 1:
        place = int(np.argmin(points.number_of_returns))
        raise ValueError(f"{path}: point {place} has number_of_returns 0, expected at least 1")
    return points


def raw_length(length, scale):
    """``length`` in metres as a whole number of raw units of ``scale`` metres."""
    return int(round(length / scale))


def ground_level(raw, cell):
    """The lowest z around each point.

    Args:
        raw: (n, 3) integers.
        cell: side of a ground cell in raw units, >= 1.

    Returns:
        (n,) int64: the lowest raw z over the points in the 3 × 3 cells around the point's own.
    """
    raw = np.asarray(raw, dtype=np.int64)
    place = (raw[:, :2] - raw[:, :2].min(axis=0)) // cell
    columns, rows = place.max(axis=0) + 1
    lowest = np.full((columns + 2, rows + 2), np.iinfo(np.int64).max)
    np.minimum.at(lowest, (place[:, 0] + 1, place[:, 1] + 1), raw[:, 2])
    around = [lowest[i : i + columns, j : j + rows] for i in range(3) for j in range(3)]
    return np.minimum.reduce(around)[place[:, 0], place[:, 1]]


def features(points, parameters):
    """(n, 4) float32: the feature columns named in :data:`FEATURES`, for all points of the file."""
    ground = ground_level(points.raw, raw_length(parameters.ground_cell, points.scale))
    columns = (
        (points.raw[:, 2] - ground) * points.scale / parameters.height_unit,
        points.intensity / 65535.0,
        points.return_number / points.number_of_returns,
        points.number_of_returns / 5.0,
    )
    return np.stack(columns, axis=1).astype(np.float32)


def tiles(points, parameters):
    """The tiles whose core holds at least one point, by row and then by column.

    Args:
        points: Points.
        parameters: PipelineParameters.

    Returns:
        list of Tile; every point of the file is a core point of exactly one of them.
    """
    tile = raw_length(parameters.tile, points.scale)
    margin = raw_length(parameters.margin, points.scale)
    lowest = points.raw.min(axis=0)
    place = points.raw[:, :2] - lowest[:2]
    found = []
    for row, column in np.unique(place[:, ::-1] // tile, axis=0):
        corner = np.array([column, row]) * tile
        near = ((place >= corner - margin) & (place < corner + tile + margin)).all(axis=1)
        index = np.flatnonzero(near)
        inside = ((place[index] >= corner) & (place[index] < corner + tile)).all(axis=1)
        centre = np.append(lowest[:2] + corner + tile // 2, lowest[2])
        found.append(Tile(int(row), int(column), index, inside, centre))
    return found


def neighbours(raw, count, dilation):
    """:func:`nearest` of each of the points among all of them, itself included: (R, κ) int32."""
    return nearest(raw, raw, count, dilation)


def nearest(raw, among, count, dilation=1):
    """Indices of the nearest points with a total order: (distance², index).

    Args:
        raw: (R, 3) integers, R >= 1, the points that ask.
        among: (n, 3) integers, n >= 1, those that are asked for.
        count: κ >= 1.
        dilation: d >= 1.

    Returns:
        (R, κ) int32: the points of ranks 0, d, 2d, …, (κ − 1)·d, each rank at most n − 1.
    """
    raw, among = np.asarray(raw, dtype=np.int64), np.asarray(among, dtype=np.int64)
    total = len(among)
    ranks = np.minimum(np.arange(count) * dilation, total - 1)
    needed = ranks[-1] + 1
    corner = among.min(axis=0)
    tree = cKDTree((among - corner).astype(np.float64))
    places = (raw - corner).astype(np.float64)
    result = np.empty((len(raw), count), dtype=np.int32)
    pending = np.arange(len(raw))
    width = min(needed + 8, total)
    while len(pending):
        _, candidates = tree.query(places[pending], k=width)
        candidates = candidates.reshape(len(pending), width).astype(np.int64)
        difference = among[candidates] - raw[pending, None]
        distance = (difference * difference).sum(axis=-1)
        order = np.lexsort((candidates, distance), axis=-1)
        candidates = np.take_along_axis(candidates, order, axis=-1)
        distance = np.take_along_axis(distance, order, axis=-1)
        # The tree breaks ties as it likes: the ranking is certain only if a farther candidate was seen as well.
        certain = (distance[:, needed - 1] < distance[:, -1]) | (width == total)
        result[pending[certain]] = candidates[certain][:, ranks]
        pending = pending[~certain]
        width = min(2 * width, total)
    return result


def tile_inputs(points, columns, tile, parameters):
    """The model's inputs for one tile.

    Args:
        points: Points.
        columns: (n, 4) float32, what :func:`features` gave for the file.
        tile: Tile.
        parameters: PipelineParameters.

    Returns:
        X (1, R, 3) float32, F (1, R, 4) float32, N (1, R, κ) int32.
    """
    raw = points.raw[tile.index]
    x = ((raw - tile.centre) * points.scale / parameters.unit).astype(np.float32)
    n = neighbours(raw, parameters.neighbours, parameters.dilation)
    return x[None], columns[tile.index][None], n[None]


def predict(call, points, parameters, progress=None):
    """Probabilities for every point of a file.

    Args:
        call: function of X, F, N (as :func:`tile_inputs` gives them) to probabilities (1, R, classes).
        points: Points.
        parameters: PipelineParameters.
        progress: None, or a function of (tiles done, tiles in all).

    Returns:
        (n, classes) float32 in file order.
    """
    columns = features(points, parameters)
    grid = tiles(points, parameters)
    result = np.zeros((len(points), len(parameters.classes)), dtype=np.float32)
    for done, tile in enumerate(grid, 1):
        answer = np.asarray(call(*tile_inputs(points, columns, tile, parameters)))[0]
        result[tile.index[tile.core]] = answer[tile.core]
        if progress:
            progress(done, len(grid))
    return result


def channels(classification, codes):
    """The model's output channels of LAS classification codes.

    Args:
        classification: (n,) integers.
        codes: (classes,) the code of each channel, in any order.

    Returns:
        (n,) int64, 0 to classes − 1.

    Raises:
        ValueError: a classification that is none of the codes.
    """
    unknown = np.setdiff1d(classification, codes)
    if len(unknown):
        raise ValueError(f"classification holds {unknown.tolist()}, expected only {codes.tolist()}")
    order = np.argsort(codes)
    return order[np.searchsorted(codes, classification, sorter=order)]


def confusion(truth, found, codes):
    """(classes, classes) int64: how many points of true class row were given class column.

    Args:
        truth: (n,) LAS classification codes; one outside ``codes`` is an error, as :func:`channels` tells.
        found: (n,) channel numbers, 0 to classes − 1.
        codes: (classes,) the channels' codes.
    """
    cells = channels(truth, codes) * len(codes) + found
    return np.bincount(cells, minlength=len(codes) ** 2).reshape(len(codes), len(codes))


def intersection_over_union(matrix):
    """(classes,) float64: each class's IoU from a confusion matrix; NaN for one that neither occurs nor is given."""
    hit = np.diag(matrix)
    union = matrix.sum(axis=0) + matrix.sum(axis=1) - hit
    with np.errstate(invalid="ignore"):
        return hit / union
