"""What is timed: one layer, its weights and its inputs, and the folder that every contender reads them from."""

import dataclasses
import json
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

SHELL_RADII = (0.0, 0.5, 1.0)
SHELL_POINTS = (1, 7, 13)
KERNEL_POINTS = sum(SHELL_POINTS)
GROUPS = 8
SLOPE = 0.3
EPSILON = 1e-3
TOLERANCE = 1e-4
"""An answer is right if it is within TOLERANCE·max(1, |y|) of the oracle's y."""

LEAST_MARGIN = 1e-5
"""No neighbour's two nearest kernel points are closer to a tie than this, so that rounding decides nothing."""

NORMALIZATION = ("gamma", "beta", "moving_mean", "moving_variance")


@dataclasses.dataclass(frozen=True)
class Workload:
    """A layer of one block on clouds drawn at random.

    Attributes:
        name: of its folder.
        batch, points, neighbours: B, R and κ.
        features, hidden: D and DH.
        seed: of weights and inputs.
    """

    name: str
    batch: int
    points: int
    neighbours: int
    features: int
    hidden: int
    seed: int = 1

    def __post_init__(self):
        for key in ("batch", "points", "neighbours", "features", "hidden"):
            value = getattr(self, key)
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"workload {self.name}: {key} must be an integer >= 1; found {value!r}")
        if self.neighbours > self.points:
            raise ValueError(
                f"workload {self.name}: neighbours must be at most points={self.points}; found {self.neighbours}"
            )
        if self.features % GROUPS:
            raise ValueError(
                f"workload {self.name}: features must be a multiple of {GROUPS}, the channels of a group; found {self.features}"
            )

    @property
    def all_points(self):
        """B·R, what a time is divided by."""
        return self.batch * self.points

    def weights(self):
        """Every tensor of the layer in Keras's order, by name; those of a normalization as `bn_phi/gamma` and so on.

        Without the axis of the blocks: `W` is (m_q, D). All are float32, and keep activations near 1.
        """
        rng = np.random.default_rng([self.seed, 0])
        D, DH, modulations = self.features, self.hidden, KERNEL_POINTS * self.features // GROUPS

        def normal(shape, deviation):
            return rng.normal(0.0, deviation, shape).astype(np.float32)

        tensors = {"W": normal((KERNEL_POINTS, D), 3.0 / np.sqrt(self.neighbours))}
        matrices = (("Phi", "phi", D, D), ("Psi", "psi", D, modulations), ("Atilde", "btilde", D, DH), ("Ahat", "bhat", DH, D))
        for matrix, bias, rows, columns in matrices:
            tensors[matrix] = normal((rows, columns), rows**-0.5)
            tensors[bias] = normal((columns,), 0.3)
        for name, channels in (("bn_phi", D), ("bn_htilde", DH), ("bn_hhat", D)):
            drawn = (
                rng.uniform(0.5, 1.5, channels),
                rng.normal(0.0, 0.3, channels),
                rng.normal(0.0, 0.3, channels),
                rng.uniform(0.5, 2.0, channels),
            )
            tensors.update({f"{name}/{key}": value.astype(np.float32) for key, value in zip(NORMALIZATION, drawn)})
        return {"Q": kernel_points(), **tensors}

    def inputs(self):
        """X (B, R, 3) and F (B, R, D) float32, N (B, R, κ) int32.

        X is uniform in a cube so dense that a ball of radius 1, as large as the kernel, holds κ points; N are the κ nearest
        points, the point itself first. Points whose neighbourhood comes near a tie between kernel points are drawn anew.
        """
        rng = np.random.default_rng([self.seed, 1])
        side = (4.0 / 3.0 * np.pi * self.points / self.neighbours) ** (1.0 / 3.0)
        q = kernel_points()
        clouds = [self._cloud(rng, side, q) for _ in range(self.batch)]
        f = rng.standard_normal((self.batch, self.points, self.features)).astype(np.float32)
        return {"X": np.stack([x for x, _ in clouds]), "F": f, "N": np.stack([n for _, n in clouds])}

    def _cloud(self, rng, side, q):
        x = rng.uniform(0.0, side, (self.points, 3)).astype(np.float32)
        for _ in range(100):
            n = nearest(x, self.neighbours)
            near = np.flatnonzero(margins(q, x, n) < LEAST_MARGIN)
            if not len(near):
                return x, n
            x[near] = rng.uniform(0.0, side, (len(near), 3)).astype(np.float32)
        raise ValueError(f"workload {self.name}: no cloud without near ties between kernel points was found")

    def description(self):
        """What `workload.json` holds: the attributes, and the layer's other settings."""
        return {
            **dataclasses.asdict(self),
            "shell_radii": list(SHELL_RADII),
            "shell_points": list(SHELL_POINTS),
            "groups": GROUPS,
            "sigma": 1.0,
            "negative_slope": SLOPE,
            "epsilon": EPSILON,
        }


S = Workload("S", 4, 4096, 16, 64, 384)
WORKLOADS = {
    workload.name: workload
    for workload in (
        S,
        Workload("T", 8, 1024, 16, 64, 384),
        Workload("M", 1, 16384, 32, 128, 512),
        Workload("tiny", 2, 128, 8, 16, 32),
    )
}
"""S, T and M are those of the tables; tiny is to try the benchmark itself."""

SERIES = {
    "R": ("points", (1024, 4096, 16384, 65536)),
    "kappa": ("neighbours", (4, 8, 16, 32, 64)),
    "D": ("features", (16, 32, 64, 128, 256)),
    "B": ("batch", (1, 2, 4, 8, 16)),
}
"""By the symbol of what varies around S: the attribute and its values."""


def series(symbol):
    """The workloads of a series by the value that varies; one of them is S."""
    attribute, values = SERIES[symbol]
    return {
        value: S
        if getattr(S, attribute) == value
        else dataclasses.replace(S, name=f"S-{symbol}{value}", **{attribute: value})
        for value in values
    }


def kernel_points():
    """Q (m_q, 3) float32."""
    from kpconvx_compat.initializer import shell_points  # here, as it brings TensorFlow, which PyTorch cannot stand beside it

    return shell_points(SHELL_RADII, SHELL_POINTS).astype(np.float32)


def nearest(x, count):
    """(R, κ) int32: the nearest points of each of x (R, 3), itself first; of points equally far any."""
    coordinates = np.asarray(x, np.float64)
    _, found = cKDTree(coordinates).query(coordinates, k=[*range(1, count + 1)])
    return found.astype(np.int32)


def margins(q, x, n, rows=4096):
    """(R,) float64: over a point's neighbours, how much farther the second nearest kernel point is at least.

    q (m_q, 3), x (R, 3), n (R, κ); `rows` points at a time, which bounds the memory.
    """
    q, x = np.asarray(q, np.float64), np.asarray(x, np.float64)
    smallest = np.empty(len(x))
    for start in range(0, len(x), rows):
        part = slice(start, start + rows)
        y = x[n[part]] - x[part, None]
        distances = np.linalg.norm(y[:, :, None] - q, axis=-1)
        two = np.partition(distances, 1, axis=-1)[..., :2]
        smallest[part] = (two[..., 1] - two[..., 0]).min(axis=-1)
    return smallest


def expected(workload, weights, inputs):
    """The float64 oracle's output (B, R, D), computed cloud by cloud."""
    from kpconvx_compat import oracle

    config = {
        "blocks": 1,
        "groups": GROUPS,
        "sigma": 1.0,
        "drop_path": 0,
        "bn_momentum": 0.9,
        "trainable": True,
        "activation": {"class_name": "LeakyReLU", "config": {"negative_slope": SLOPE}},
        **dict.fromkeys(("bn_phi", "bn_htilde", "bn_hhat")),
    }
    given = keras_weights(weights)
    return np.concatenate(
        [
            oracle.kpconvx(config, given, *(inputs[key][b : b + 1] for key in "XFN"))["block_0/F"]
            for b in range(workload.batch)
        ]
    )


def keras_weights(weights):
    """The arrays in the order of Q first, with the axis of the blocks where the layer has it."""
    return [value if name == "Q" or name.startswith("bn_") else value[None] for name, value in weights.items()]


def floor_inputs(weights, inputs):
    """The matrix (P, D) that the four products are given, and the products as folded (matrix, bias) by name.

    A normalization is folded into the product before it, as whoever wants nothing but speed would do.
    """
    products = {"Psi": (weights["Psi"], weights["psi"])}
    for norm, matrix, bias in (("bn_phi", "Phi", "phi"), ("bn_htilde", "Atilde", "btilde"), ("bn_hhat", "Ahat", "bhat")):
        gamma, beta, mean, variance = (weights[f"{norm}/{key}"].astype(np.float64) for key in NORMALIZATION)
        scale = gamma / np.sqrt(variance + EPSILON)
        folded = (weights[matrix] * scale, (weights[bias] - mean) * scale + beta)
        products[matrix] = tuple(value.astype(np.float32) for value in folded)
    return inputs["F"].reshape(-1, inputs["F"].shape[-1]), products


def disagreement(found, right):
    """None, or what is wrong with an answer, as a line."""
    found = np.asarray(found)
    if found.shape != right.shape:
        return f"the answer has the shape {found.shape}, expected {right.shape}"
    difference = np.abs(found.astype(np.float64) - right)
    allowed = TOLERANCE * np.maximum(1.0, np.abs(right))
    wrong = ~(difference <= allowed)
    if not wrong.any():
        return None
    place = np.unravel_index(np.argmax(np.where(wrong, difference / allowed, -1.0)), right.shape)
    if np.isnan(difference).any():
        place = np.unravel_index(np.argmax(np.isnan(difference)), right.shape)
    return (
        f"{wrong.sum()} of {wrong.size} elements differ from the oracle by more than {TOLERANCE:g}·max(1, |y|); at "
        f"{[int(i) for i in place]} found {found[place]:.7g}, expected {right[place]:.7g}"
    )


def read(directory):
    """A workload's folder as its description, weights, inputs and expected output.

    Raises FileNotFoundError if the folder was not prepared.
    """
    directory = Path(directory)
    description = json.loads((directory / "workload.json").read_text(encoding="utf-8"))
    weights, inputs = (dict(np.load(directory / name)) for name in ("weights.npz", "inputs.npz"))
    return description, weights, inputs, np.load(directory / "outputs.npz")["output_0"]
