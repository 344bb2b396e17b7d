"""Models that nobody has seen: python -m kpconvx_compat.unseen OUT_DIR --seed N [--count K]

Draws networks around the original's KPConvXLayer, their settings, weights and inputs from a seed, and writes each in
the form of the parity fixtures, so that another implementation can be compared on what it was not made for.
"""

import argparse
from pathlib import Path

import numpy as np

from kpconvx_compat import original
from kpconvx_compat.backend import keras
from kpconvx_compat.cases import Case
from kpconvx_compat.make_fixtures import write_case

ACTIVATIONS = ("relu", "elu", "gelu", "silu", "tanh", "selu", "softplus", None)


def case(seed):
    """A Case whose network, of one or two layers of the original's class, follows from the seed."""
    rng = np.random.default_rng(seed)
    neighbours = int(rng.integers(2, 24))
    settings = [_settings(rng) for _ in range(rng.integers(1, 3))]
    width = 8 * int(rng.integers(1, 5))
    classes = int(rng.integers(2, 7))

    def layers(x, f, n):
        out = keras.layers.Dense(width, activation=str(rng.choice(["relu", "tanh", "linear"])))(f)
        out = keras.layers.BatchNormalization(epsilon=float(rng.uniform(1e-4, 1e-2)))(out)
        before = out
        for setting in settings:
            out = original.KPConvXLayer(**setting)([x, out, n])
        out = keras.layers.Concatenate()([before, out])
        out = keras.layers.Dense(classes)(out)
        return keras.layers.Softmax()(out)

    return Case(
        name=f"seed_{seed}",
        seed=seed,
        purpose="drawn",
        features=int(rng.integers(1, 9)),
        layers=layers,
        batch=int(rng.integers(1, 4)),
        points=int(rng.integers(neighbours + 1, 200)),
        neighbours=neighbours,
        indices=str(rng.choice(["int32", "int64"])),
    )


def _settings(rng):
    shells = int(rng.integers(1, 4))
    activation = rng.choice(np.array(ACTIVATIONS, dtype=object))
    settings = {
        "blocks": int(rng.integers(1, 4)),
        "sigma": float(rng.uniform(0.4, 1.5)),
        "shell_radii": [0.0, *(float(r) for r in np.cumsum(rng.uniform(0.3, 0.6, shells)))],
        "shell_points": [1, *(int(m) for m in rng.integers(4, 15, shells))],
        "DH": int(rng.integers(4, 65)),
        "groups": int(rng.choice([1, 2, 4, 8])),
        "deformable": bool(rng.integers(2)),
        "drop_path": float(rng.uniform(0.0, 1.0)),
        "bn_momentum": float(rng.uniform(0.5, 0.99)),
    }
    if activation is not None:
        settings["activation"] = activation
    return settings


def main():
    parser = argparse.ArgumentParser(description="Writes models drawn from a seed, with their golden data.")
    parser.add_argument("out", type=Path, help="where keras-<version>/seed_<n> go")
    parser.add_argument("--seed", type=int, required=True, help="seed of the first model; the next ones count up")
    parser.add_argument("--count", type=int, default=1, help="how many models, >= 1")
    arguments = parser.parse_args()
    for seed in range(arguments.seed, arguments.seed + arguments.count):
        drawn = case(seed)
        write_case(drawn, arguments.out / f"keras-{keras.__version__}" / drawn.name)


if __name__ == "__main__":
    main()
