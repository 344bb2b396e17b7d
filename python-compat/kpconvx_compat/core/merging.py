"""Layers that merge tensors."""

import numpy as np

from kpconvx_compat.backend import keras
from kpconvx_compat.core.case import KERAS_3, Case, floats, integers

L = keras.layers


def _stretched(*arrays):
    """Arrays of one rank: sizes of 1 come after the batch's."""
    rank = max(array.ndim for array in arrays)
    return [array.reshape(array.shape[:1] + (1,) * (rank - array.ndim) + array.shape[1:]) for array in arrays]


def _average(*arrays):
    return sum(_stretched(*arrays)) / len(arrays)


def _product(*arrays):
    x, y, z = _stretched(*arrays)
    return x * y * z


def _three(layer, oracle):
    """A layer of three inputs of one shape, of shapes that stretch, and of different ranks."""
    name = layer.__name__.lower()
    return [
        Case(name, {"x": floats(5, 4), "y": floats(5, 4), "z": floats(5, 4)}, lambda *x: layer()(x), oracle),
        Case(
            f"{name}_stretched",
            {"x": floats(5, 1), "y": floats(5, 4, known=True), "z": floats(1, 4, known=True)},
            lambda *x: layer()(x),
            oracle,
        ),
        Case(f"{name}_ranks", {"x": floats(4), "y": floats(5, 4), "z": floats(3, 1, 4)}, lambda *x: layer()(x), oracle),
    ]


def _embedded(layer):
    """Of two sequences whose zeros do not count, and one of which everything counts."""

    def layers(i, j, x):
        embed = L.Embedding(4, 3, mask_zero=True)
        return [layer()([embed(i), embed(j)]), layer()([embed(i), x]), layer()([x, embed(j), embed(i)])]

    return layers


def _masked(merge, neutral=None):
    """What Keras 3 computes: step by step, elements that do not count left out."""

    def oracle(i, j, x, embeddings):
        def merged(*parts):
            found, counts = parts[0]
            every = all(part[1] is not None for part in parts)
            if neutral is not None:
                whole = [value if mask is None else np.where(mask[..., None], value, neutral) for value, mask in parts]
                found = merge.reduce(whole)
                some = np.any([part[1] for part in parts], axis=0)[..., None] if every else True
                return np.where(some, found, 0)
            for value, mask in parts[1:]:
                value = value if mask is None else np.where(mask[..., None], value, found)
                found = found if counts is None else np.where(counts[..., None], found, value)
                counts = None if mask is None or counts is None else counts | mask
                found = merge(found, value)
            return found

        a, b = (embeddings[i], i != 0), (embeddings[j], j != 0)
        return [merged(a, b), merged(a, (x, None)), merged((x, None), b, a)]

    return oracle


MASKED = {"i": integers(4, 6), "j": integers(4, 6), "x": floats(6, 3, known=True)}


def _dot(axes, normalize=False):
    def oracle(x, y):
        i, j = axes
        if normalize:
            x, y = (z / np.sqrt(np.sum(z**2, axis, keepdims=True)) for z, axis in ((x, i), (y, j)))
        rows = np.stack([np.tensordot(a, b, (i - 1, j - 1)) for a, b in zip(x, y)])
        return rows.reshape(len(rows), -1) if rows.ndim == 1 else rows

    return oracle


CASES = [
    *_three(L.Add, lambda *x: sum(_stretched(*x))),
    *_three(L.Multiply, _product),
    *_three(L.Average, _average),
    *_three(L.Maximum, lambda *x: np.max(np.broadcast_arrays(*_stretched(*x)), 0)),
    *_three(L.Minimum, lambda *x: np.min(np.broadcast_arrays(*_stretched(*x)), 0)),
    Case("subtract", {"x": floats(5, 4), "y": floats(5, 4)}, lambda *x: L.Subtract()(x), lambda x, y: x - y),
    Case(
        "subtract_ranks", {"x": floats(4), "y": floats(5, 4)}, lambda *x: L.Subtract()(x), lambda x, y: x[:, None] - y
    ),
    Case("maximum_equal", {"x": floats(5, 4)}, lambda x: L.Maximum()([x, L.Activation("linear")(x), L.ReLU()(x)]), lambda x: np.maximum(x, 0)),
    Case(
        "merge_integers",
        {"x": integers(9, 5), "y": integers(9, 5, low=-9)},
        lambda *x: [
            layer()(x) for layer in (L.Add, L.Subtract, L.Multiply, L.Average, L.Maximum, L.Minimum)
        ],
        lambda x, y: [x + y, x - y, x * y, (x + y) / 2, np.maximum(x, y), np.minimum(x, y)],
        differentiable=False,
    ),
    Case(
        "add_mixed",
        {"x": integers(9, 5), "y": floats(5)},
        lambda *x: L.Add()(x),
        lambda x, y: x + y,
        versions=KERAS_3,
    ),
    Case("multiply_masked", MASKED, _embedded(L.Multiply), _masked(np.multiply, 1), versions=KERAS_3),
    Case("maximum_masked", MASKED, _embedded(L.Maximum), _masked(np.maximum), versions=KERAS_3),
    Case("minimum_masked", MASKED, _embedded(L.Minimum), _masked(np.minimum), versions=KERAS_3),
]
