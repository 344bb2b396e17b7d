"""Models that nobody has seen: python -m kpconvx_compat.unseen OUT_DIR --seed N [--count K] [--training]

Draws networks, their settings, weights and inputs from a seed, and writes each in the form of the fixtures, so that
another implementation can be compared on what it was not made for: around the original's KPConvXLayer in the form of
the parity fixtures, or around this package's KPConvXLayer in the form of the training fixtures.
"""

import argparse
import sys
from itertools import count
from pathlib import Path

import numpy as np

from kpconvx_compat import make_fixtures, original
from kpconvx_compat.backend import keras
from kpconvx_compat.cases import Case
from kpconvx_compat.layer import KPConvXLayer

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


def training_case(seed):
    """A Case for training, with one or two of this package's layers in it; drop_path is 0 or 1."""
    rng = np.random.default_rng([seed, 3])
    neighbours = int(rng.integers(2, 16))
    settings = [_training_settings(rng) for _ in range(rng.integers(1, 3))]
    width = 8 * int(rng.integers(1, 3))
    stem, scores = _dense(rng), _dense(rng)
    norm = _normalization(rng)

    def layers(x, f, n):
        out = keras.layers.Dense(width, activation=str(rng.choice(["relu", "tanh", "linear"])), **stem)(f)
        before = out = keras.layers.BatchNormalization(**norm)(out)
        for setting in settings:
            out = KPConvXLayer(**setting)([x, out, n])
        out = keras.layers.Concatenate()([before, out])
        return keras.layers.Dense(3, **scores)(out)

    return Case(
        name=f"seed_{seed}",
        seed=seed,
        purpose="drawn",
        features=int(rng.integers(1, 9)),
        layers=layers,
        batch=int(rng.integers(1, 4)),
        points=int(rng.integers(neighbours + 1, 48)),
        neighbours=neighbours,
        indices=str(rng.choice(["int32", "int64"])),
    )


def _training_settings(rng):
    settings = _settings(rng)
    settings |= {
        "DH": int(rng.integers(4, 25)),
        "drop_path": int(rng.random() < 0.15),
        "bn_momentum": float(rng.choice([0.0, rng.uniform(), 1.0])),
        "trainable": bool(rng.random() < 0.8),
        "initializer": str(rng.choice(["glorot_normal", "he_uniform", "lecun_normal"])),
        "regularizer": _regularizer(rng),
        "constraint": _constraint(rng, [-1, 0, 1, [0, 1]]),
    }
    for key in ("bn_phi", "bn_htilde", "bn_hhat"):
        if rng.random() < 0.5:
            settings[key] = [
                keras.layers.BatchNormalization(**_normalization(rng)) for _ in range(settings["blocks"])
            ]
    return settings


def _normalization(rng):
    return {
        "epsilon": float(10.0 ** rng.uniform(-4.0, -1.0)),
        "momentum": float(rng.choice([0.0, rng.uniform(), 1.0])),
        "scale": bool(rng.random() < 0.8),
        "center": bool(rng.random() < 0.8),
        "trainable": bool(rng.random() < 0.8),
        "gamma_regularizer": _regularizer(rng),
        "beta_regularizer": _regularizer(rng),
        "gamma_constraint": _constraint(rng, [0]),
        "beta_constraint": _constraint(rng, [0]),
    }


def _dense(rng):
    return {
        "trainable": bool(rng.random() < 0.8),
        "kernel_regularizer": _regularizer(rng, keras.regularizers.OrthogonalRegularizer(factor=0.05, mode="columns")),
        "bias_regularizer": _regularizer(rng),
        "activity_regularizer": _regularizer(rng),
        "kernel_constraint": _constraint(rng, [0, -1, [0, 1]]),
        "bias_constraint": _constraint(rng, [0]),
    }


def _regularizer(rng, *more):
    l1, l2 = (float(factor) for factor in 10.0 ** rng.uniform(-3.0, -1.0, 2))
    kinds = [keras.regularizers.L1(l1), keras.regularizers.L2(l2), keras.regularizers.L1L2(l1, l2), *more]
    return kinds[rng.integers(len(kinds))] if rng.random() < 0.5 else None


def _constraint(rng, axes):
    axis = axes[rng.integers(len(axes))]
    low, high, rate = float(rng.uniform(0.2, 0.6)), float(rng.uniform(0.6, 1.5)), float(rng.uniform(0.2, 1.0))
    kinds = [
        keras.constraints.NonNeg(),
        keras.constraints.MaxNorm(high, axis=axis),
        keras.constraints.MinMaxNorm(low, high, rate=rate, axis=axis),
        keras.constraints.UnitNorm(axis=axis),
    ]
    return kinds[rng.integers(len(kinds))] if rng.random() < 0.4 else None


def write_training_cases(folder, seed, wanted):
    """Writes `wanted` training cases, from `seed` up, to folders in `folder`.

    One whose gradients rounding could decide is left out, and told on standard error.
    """
    from kpconvx_compat import make_training_fixtures  # of Keras 3 only
    from kpconvx_compat.training import Undetermined

    for seed in count(seed):
        if not wanted:
            return
        drawn = training_case(seed)
        try:
            make_training_fixtures.write_case(drawn, folder / drawn.name)
            wanted -= 1
        except Undetermined as reason:
            print(f"{drawn.name} is left out: {reason}", file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(description="Writes models drawn from a seed, with their golden data.")
    parser.add_argument("out", type=Path, help="where <keras or tf_keras>-<version>/seed_<n> go")
    parser.add_argument("--seed", type=int, required=True, help="seed of the first model; the next ones count up")
    parser.add_argument("--count", type=int, default=1, help="how many models, >= 1")
    parser.add_argument("--training", action="store_true", help="a step of training instead of inference")
    arguments = parser.parse_args()
    folder = arguments.out / f"{keras.__name__}-{keras.__version__}"
    if arguments.training:
        write_training_cases(folder, arguments.seed, arguments.count)
    else:
        for seed in range(arguments.seed, arguments.seed + arguments.count):
            drawn = case(seed)
            make_fixtures.write_case(drawn, folder / drawn.name)


if __name__ == "__main__":
    main()
