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

from kpconvx_compat import make_fixtures, oracle, original
from kpconvx_compat.backend import keras
from kpconvx_compat.cases import Case, Undetermined, kpconvx_layers
from kpconvx_compat.layer import KPConvXLayer

ACTIVATIONS = ("relu", "elu", "gelu", "silu", "tanh", "selu", "softplus", None)
BRANCH = 0.3  # what a block adds, in parts of what it got
LEAST_VARIANCE = 0.25  # of what a normalization is given: it may not blow up the rounding of numbers of order 1


class Settled(Case):
    """A Case whose normalizations hold the statistics of its inputs, as those of a trained network do.

    With statistics that are drawn, each block adds more than it got, until terms of up to 100 cancel, and float32 does
    not determine their sum to 1e-5. So, as kernels are drawn by their fan-in, every stage stays of order 1.
    """

    def model(self):
        model = super().model()
        feed = self.inputs(model)
        layers = kpconvx_layers(model)
        for branch in (part for layer in layers for part in layer.bn_hhat):
            branch.gamma.assign(BRANCH * branch.gamma)
        normalizations = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
        normalizations += [part for layer in layers for part in (*layer.bn_phi, *layer.bn_htilde, *layer.bn_hhat)]
        settings = [(part, "momentum") for part in normalizations] + [(layer, "drop_path") for layer in layers]
        stored = [getattr(*setting) for setting in settings]
        for setting in settings:
            setattr(*setting, 0.0)
        model([feed[tensor.name] for tensor in model.inputs], training=True)
        for setting, value in zip(settings, stored):
            setattr(*setting, value)
        for part in normalizations:
            part.moving_variance.assign(np.maximum(part.moving_variance, LEAST_VARIANCE))
        return model


def case(seed):
    """A Case whose network, of one or two layers of the original's class, follows from the seed."""
    rng = np.random.default_rng(seed)
    neighbours = int(rng.integers(2, 24))
    settings = [_settings(rng) for _ in range(rng.integers(1, 3))]
    width = 8 * int(rng.integers(1, 5))
    classes = int(rng.integers(2, 7))
    activation = str(rng.choice(["relu", "tanh", "linear"]))
    epsilon = float(rng.uniform(1e-4, 1e-2))

    def layers(x, f, n):
        out = keras.layers.Dense(width, activation=activation)(f)
        out = keras.layers.BatchNormalization(epsilon=epsilon)(out)
        before = out
        for setting in settings:
            out = original.KPConvXLayer(**setting)([x, out, n])
        out = keras.layers.Concatenate()([before, out])
        out = keras.layers.Dense(classes)(out)
        return keras.layers.Softmax()(out)

    return Settled(
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
    activation = str(rng.choice(["relu", "tanh", "linear"]))

    def layers(x, f, n):
        out = keras.layers.Dense(width, activation=activation, **stem)(f)
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
    activity = _regularizer(rng)
    return {
        "trainable": bool(rng.random() < 0.8),
        "kernel_regularizer": _regularizer(rng, keras.regularizers.OrthogonalRegularizer(factor=0.05, mode="columns")),
        "bias_regularizer": _regularizer(rng),
        "activity_regularizer": activity if keras.__version__ != "3.6.0" else None,  # it does not divide it by B yet
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


def write_drawn(draw, write, folder, seed, wanted):
    """Writes `wanted` cases that draw(seed) gives, from `seed` up, to folders in `folder`, each by write(case, directory).

    One that `write` refuses, because rounding could decide what its model computes, is left out, and told on standard
    error.
    """
    for seed in count(seed):
        if not wanted:
            return
        drawn = draw(seed)
        try:
            write(drawn, folder / drawn.name)
            wanted -= 1
        except Undetermined as reason:
            print(f"{drawn.name} is left out: {reason}", file=sys.stderr)


def write_case(case, directory):
    """As make_fixtures.write_case, but raises Undetermined where a neighbour is equally far from two kernel points."""
    model = case.model()
    inputs = case.inputs(model)
    for layer in kpconvx_layers(model):
        if oracle.near_tie(layer.Q.numpy(), inputs["X"], inputs["N"]).any():
            raise Undetermined(f"some neighbours are equally far from two kernel points of {layer.name}")
    make_fixtures.write_case(case, directory)


def main():
    parser = argparse.ArgumentParser(description="Writes models drawn from a seed, with their golden data.")
    parser.add_argument("out", type=Path, help="where <keras or tf_keras>-<version>/seed_<n> go")
    parser.add_argument("--seed", type=int, required=True, help="seed of the first model; the next ones count up")
    parser.add_argument("--count", type=int, default=1, help="how many models, >= 1")
    parser.add_argument("--training", action="store_true", help="a step of training instead of inference")
    arguments = parser.parse_args()
    folder = arguments.out / f"{keras.__name__}-{keras.__version__}"
    if arguments.training:
        from kpconvx_compat import make_training_fixtures  # of Keras 3 only

        write_drawn(training_case, make_training_fixtures.write_case, folder, arguments.seed, arguments.count)
    else:
        write_drawn(case, write_case, folder, arguments.seed, arguments.count)


if __name__ == "__main__":
    main()
