"""The parity cases: small models that between them take every setting of the layer off its default."""

from dataclasses import dataclass
from typing import Callable

import numpy as np

from kpconvx_compat import original
from kpconvx_compat.backend import keras
from kpconvx_compat.layer import BUILT_FLAGS, KPConvXBase, KPConvXLayer

REACH = 1.2  # a neighbourhood's radius, in units of the outermost shell's


class Undetermined(ValueError):
    """Rounding could decide what a model computes for its inputs."""


@dataclass(frozen=True)
class Case:
    """A model and what it is run on.

    features, layers: the width D_f of input F and what makes the output, or the model itself, from the inputs
    (x, f, n). batch, points and neighbours are B, R and κ. With `own` each point is its own first neighbour; without,
    it is none of them, as is needed where no kernel point is at the centre (the point itself would be equally far from
    a whole shell). `random_neighbours` draws N at random instead of taking the nearest. `offset` moves all
    coordinates. With `on_kernel_points` the first point of each element is the origin, and the next ones are the kernel
    points of the first KPConvX layer, so that neighbours lie exactly on them. A `trained` model is compiled and has an
    optimizer that took a step.
    """

    name: str
    seed: int
    purpose: str
    features: int
    layers: Callable
    batch: int = 2
    points: int = 24
    neighbours: int = 12
    indices: str = "int32"
    own: bool = True
    random_neighbours: bool = False
    offset: float = 0.0
    on_kernel_points: bool = False
    trained: bool = False

    def model(self):
        """The model, with the weights that Case.seed makes."""
        keras.backend.clear_session()
        keras.utils.set_random_seed(self.seed)  # for what Dropout draws from: it is part of the files
        x = keras.Input((None, 3), name="X")
        f = keras.Input((None, self.features), name="F")
        n = keras.Input((None, None), name="N", dtype=self.indices)
        made = self.layers(x, f, n)
        model = made if isinstance(made, keras.Model) else keras.Model([x, f, n], made)
        if self.trained:
            model.compile("adam", "mse")
            feed = self.inputs(model)
            model.train_on_batch(
                [feed[tensor.name] for tensor in model.inputs],
                np.zeros((self.batch, self.points, model.outputs[0].shape[-1])),
            )
        rng = np.random.default_rng([self.seed, 0])
        for layer in leaf_layers(model):
            _set_weights(layer, self.neighbours, rng)
        return model

    def inputs(self, model):
        """X (B, R, 3) and F (B, R, D_f) float32, N (B, R, κ): a cloud so dense that κ neighbours reach the kernel.

        A model that lacks one of these inputs gets the others only.
        """
        rng = np.random.default_rng([self.seed, 1])
        radius = REACH * max((max(layer.shell_radii) for layer in kpconvx_layers(model)), default=1.0) or REACH
        side = radius * (4.0 / 3.0 * np.pi * self.points / self.neighbours) ** (1.0 / 3.0)
        x = (rng.uniform(0.0, side, (self.batch, self.points, 3)) + self.offset).astype(np.float32)
        if self.on_kernel_points:
            q = kpconvx_layers(model)[0].Q.numpy()
            x[:, : 1 + len(q)] = np.concatenate([np.zeros((1, 3), np.float32), q])
        f = rng.standard_normal((self.batch, self.points, self.features)).astype(np.float32)
        if self.random_neighbours:
            n = rng.integers(0, self.points, (self.batch, self.points, self.neighbours))
        else:
            y = x[:, :, None, :].astype(np.float64) - x[:, None, :, :]
            order = np.argsort(np.sum(y * y, axis=-1), axis=-1, kind="stable")
            first = 0 if self.own else 1
            n = order[:, :, first : first + self.neighbours]
        inputs = {"X": x, "F": f, "N": n.astype(self.indices)}
        return {name: inputs[name] for name in inputs if name in [tensor.name for tensor in model.inputs]}


def leaf_layers(model):
    """The model's layers and, in place of nested models, theirs."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from leaf_layers(layer)
        else:
            yield layer


def kpconvx_layers(model):
    """The model's KPConvX layers, in its order; not those of nested models."""
    return [layer for layer in model.layers if isinstance(layer, KPConvXBase)]


def weights_by_layer(model):
    """Each layer's arrays in Keras 3's order, those of a KPConvX layer with its Q in front."""
    return {layer.name: [weight.numpy() for weight in _ordered_weights(layer)] for layer in leaf_layers(model)}


def _ordered_weights(layer):
    if not isinstance(layer, KPConvXBase):
        return layer.weights
    own = [getattr(layer, name) for name in ("Q", "W", "Phi", "phi", "Psi", "psi", "Atilde", "btilde", "Ahat", "bhat")]
    normalizations = [*layer.bn_phi, *layer.bn_htilde, *layer.bn_hhat]
    return own + [weight for normalization in normalizations for weight in normalization.weights]


def _set_weights(layer, neighbours, rng):
    """Values that keep activations near 1 and differ from what Keras starts with; a fixed Q keeps its own."""
    bare = layer.Q if isinstance(layer, original.KPConvXLayer) else None
    if bare is not None and layer.deformable:
        bare.assign_add(rng.normal(0.0, 0.03, bare.shape).astype(np.float32))
    for weight in layer.weights:
        if weight is bare:  # for Keras 2 it is a weight
            continue
        shape = tuple(weight.shape)
        name = weight.name.split("/")[-1].split(":")[0]  # Keras 2 calls it conv/W:0
        if name == "Q":
            if not layer.deformable:
                continue
            value = weight.numpy() + rng.normal(0.0, 0.03, shape)
        elif name == "moving_variance":
            value = rng.uniform(0.5, 2.0, shape)
        elif name == "gamma":
            value = rng.uniform(0.5, 1.5, shape)
        elif name == "W":
            value = rng.normal(0.0, 3.0 / np.sqrt(neighbours), shape)
        elif name in ("Phi", "Psi", "Atilde", "Ahat", "kernel"):
            value = rng.normal(0.0, shape[-2] ** -0.5, shape)
        else:
            value = rng.normal(0.0, 0.3, shape)
        value = value.astype(np.float32)
        constraint = getattr(weight, "constraint", None)
        weight.assign(constraint(value) if constraint else value)


def alone(cls=KPConvXLayer, **settings):
    return lambda x, f, n: cls(name="conv", **settings)([x, f, n])


def _custom_batch_norms(x, f, n):
    layer = KPConvXLayer(
        name="conv",
        blocks=2,
        DH=24,
        bn_momentum=0.75,
        bn_phi=[
            keras.layers.BatchNormalization(epsilon=1e-5, momentum=0.99, name="phi_0"),
            keras.layers.BatchNormalization(epsilon=0.1, scale=False, name="phi_1"),
        ],
        bn_htilde=[
            keras.layers.BatchNormalization(center=False, momentum=0.5, name="htilde_0"),
            keras.layers.BatchNormalization(center=False, scale=False, epsilon=1e-4, name="htilde_1"),
        ],
    )
    return layer([x, f, n])


def objects(x, f, n):
    layer = KPConvXLayer(
        name="conv",
        DH=24,
        initializer=keras.initializers.HeNormal(seed=7),
        regularizer=keras.regularizers.L1L2(l1=0.001, l2=0.01),
        constraint=keras.constraints.UnitNorm(axis=-1),
        activation=keras.layers.ReLU(max_value=2.5, negative_slope=0.1, threshold=0.2),
    )
    return layer([x, f, n])


def _keras2_batch_norm(name, **settings):
    config = {"name": name, "trainable": True, "dtype": "float32", "axis": -1, "momentum": 0.95, "epsilon": 0.002}
    config |= {"center": True, "scale": True, **settings}
    return {"class_name": "BatchNormalization", "config": config}


def keras2_objects(x, f, n):
    layer = KPConvXLayer(
        name="conv",
        DH=16,
        initializer={"class_name": "RandomNormal", "config": {"mean": 0.0, "stddev": 0.1, "seed": None}},
        regularizer={"class_name": "L2", "config": {"l2": 0.01}},
        constraint={"class_name": "MaxNorm", "config": {"max_value": 3.0, "axis": 0}},
        bn_phi=[_keras2_batch_norm("phi")],
        bn_htilde=[_keras2_batch_norm("htilde", center=False)],
        bn_hhat=[_keras2_batch_norm("hhat", epsilon=0.03)],
        activation={"class_name": "LeakyReLU", "config": {"name": "leaky", "trainable": True, "alpha": 0.15}},
    )
    return layer([x, f, n])


def _function_object(name):
    return {"module": "builtins", "class_name": "function", "config": name, "registered_name": "function"}


def segmentation(x, f, n, dropout=0.4):
    f = keras.layers.Dense(32, use_bias=False, name="stem")(f)
    f = keras.layers.BatchNormalization(name="stem_norm")(f)
    f = keras.layers.LeakyReLU(0.1, name="stem_act")(f)
    f = KPConvXLayer(name="conv", DH=64)([x, f, n])
    f = keras.layers.Dropout(dropout, name="drop")(f)
    return keras.layers.Dense(5, activation="softmax", name="classes")(f)


def residual(x, f, n):
    first = keras.layers.Dense(16, activation="relu")(f)
    second = KPConvXLayer(DH=32, groups=4, deformable=True)([x, first, n])
    both = keras.layers.Concatenate()([first, second, f])
    third = keras.layers.Activation("gelu")(keras.layers.Dense(16)(both))
    fourth = KPConvXLayer(DH=24, groups=16, sigma=0.7)([x, third, n])
    summed = keras.layers.Add()([first, second, fourth])
    return keras.layers.Softmax()(keras.layers.Dense(4)(keras.layers.ReLU()(summed)))


def two_outputs(x, f, n):
    f = keras.layers.Dense(8, activation="tanh", name="stem")(f)
    coarse = KPConvXLayer(
        name="coarse", shell_radii=[0, 0.6], shell_points=[1, 8], DH=16, groups=2, sigma=0.8, activation="silu"
    )([x, f, n])
    fine = KPConvXLayer(
        name="fine", shell_radii=[0, 0.3, 0.6, 0.9], shell_points=[1, 4, 8, 12], DH=16, groups=1, sigma=0.4
    )([x, coarse, n])
    fine = keras.layers.Add(name="sum")([coarse, fine])
    fine = keras.layers.ReLU(max_value=3.0, negative_slope=0.05, threshold=0.1, name="clipped")(fine)
    scores = keras.layers.Dense(3, name="scores")(keras.layers.BatchNormalization(scale=False, name="norm")(fine))
    heights = keras.layers.Dense(1, activation="softplus", name="heights")(coarse)
    return [keras.layers.Softmax(name="probabilities")(scores), heights]


def before_and_after(x, f, n, drop_path=0.1):
    f = keras.layers.Concatenate(name="place_and_features")([x, f])
    f = keras.layers.Dense(24, activation="selu", name="widen")(f)
    f = keras.layers.BatchNormalization(center=False, epsilon=1e-5, momentum=0.8, name="norm")(f)
    f = KPConvXLayer(
        name="conv", DH=24, groups=3, drop_path=drop_path, activation=keras.layers.Activation("elu", name="act")
    )([x, f, n])
    f = keras.layers.Activation("sigmoid", name="squash")(f)
    f = keras.layers.Dense(12, activation="silu", name="narrow")(f)
    return keras.layers.Activation("softmax", name="classes")(f)


def _original_pair(x, f, n):
    f = keras.layers.Dense(16, activation="relu")(f)
    f = original.KPConvXLayer(blocks=2, DH=24, deformable=True, drop_path=0.3)([x, f, n])
    f = original.KPConvXLayer(
        DH=16, groups=4, deformable=True, sigma=0.8, shell_radii=[0, 1.0], shell_points=[1, 14], activation="relu"
    )([x, f, n])
    return keras.layers.Dense(6, activation="softmax")(f)


def _trained(x, f, n):
    first = keras.layers.LeakyReLU()(keras.layers.BatchNormalization()(keras.layers.Dense(8)(f)))
    second = KPConvXLayer(DH=16, groups=2, deformable=True)([x, first, n])
    both = keras.layers.Dropout(0.2)(keras.layers.Concatenate()([first, second]))
    return keras.layers.Softmax()(keras.layers.Dense(3)(both))


def _nested(x, f, n):
    stem = [
        keras.layers.Dense(16, use_bias=False, name="widen"),
        keras.layers.BatchNormalization(trainable=False, name="norm"),
        keras.layers.LeakyReLU(0.2, name="bend"),
    ]
    f = keras.Sequential(stem, name="stem")(f)
    f = KPConvXLayer(name="conv", DH=16)([x, f, n])
    place, features = keras.Input((None, 3), name="place"), keras.Input((None, 16), name="features")
    neighbours = keras.Input((None, None), name="neighbours", dtype="int32")
    frozen = [keras.layers.BatchNormalization(trainable=False, name="frozen")]
    inner = KPConvXLayer(name="inner_conv", DH=8, groups=4, bn_phi=frozen)([place, features, neighbours])
    inner = keras.layers.Dense(16, trainable=False, name="mix")(inner)
    inner = keras.layers.Add(name="sum")([features, KPConvXLayer(name="last_conv", DH=8)([place, inner, neighbours])])
    block = keras.Model([place, features, neighbours], inner, name="block")
    f = block([x, block([x, f, n]), n])
    head = [keras.layers.Dropout(0.2, name="drop"), keras.layers.Dense(5, name="scores"), keras.layers.Softmax()]
    return keras.Sequential(head, name="head")(f)


def _sequential(x, f, n):
    return keras.Sequential(
        [
            keras.Input(f.shape[1:], name="F"),
            keras.layers.Dense(8, name="widen"),
            keras.layers.BatchNormalization(name="norm"),
            keras.layers.Activation("hard_sigmoid", name="bend"),
            keras.layers.Dense(3, activation="softmax", name="classes"),
        ],
        name="pointwise",
    )


CASES = [
    Case("defaults", 101, "every setting at its default; DH 384", 16, alone(), neighbours=16),
    Case(
        "single_point",
        102,
        "B = R = κ = 1, one kernel point, groups 1",
        8,
        alone(shell_radii=[0], shell_points=[1], DH=8, groups=1),
        batch=1,
        points=1,
        neighbours=1,
    ),
    Case(
        "deformable",
        103,
        "trainable Q, first among the weights; two blocks; int64 N",
        16,
        alone(blocks=2, DH=32, groups=4, deformable=True),
        indices="int64",
    ),
    Case(
        "three_blocks",
        104,
        "three blocks with drop_path 0.3",
        12,
        alone(blocks=3, DH=16, groups=2, drop_path=0.3),
        batch=1,
        neighbours=8,
    ),
    Case(
        "one_shell",
        105,
        "a single shell, without a centre; sigma 0.5; activation 'elu'; int64 N",
        16,
        alone(shell_radii=[0.8], shell_points=[12], sigma=0.5, DH=24, activation="elu"),
        own=False,
        indices="int64",
    ),
    Case(
        "four_shells",
        106,
        "four shells, small sigma, κ = 48",
        16,
        alone(shell_radii=[0, 0.3, 0.6, 0.9], shell_points=[1, 4, 6, 8], sigma=0.25, DH=16),
        batch=1,
        points=64,
        neighbours=48,
    ),
    Case(
        "wide",
        107,
        "D = 128, groups 16, two shells",
        128,
        alone(shell_radii=[0, 0.9], shell_points=[1, 6], groups=16, DH=16),
        batch=1,
        points=16,
    ),
    Case(
        "batch_norms",
        108,
        "given normalizations: epsilon, momentum, no scale, no center, neither; bn_hhat made with bn_momentum",
        16,
        _custom_batch_norms,
    ),
    Case(
        "names",
        109,
        "initializer, regularizer, constraint and activation by name",
        16,
        alone(DH=24, initializer="he_normal", regularizer="l2", constraint="max_norm", activation="gelu"),
    ),
    Case("objects", 110, "initializer, regularizer, constraint and activation as Keras 3 objects", 16, objects),
    Case("keras2_objects", 111, "the same and the normalizations as Keras 2 objects", 16, keras2_objects),
    Case(
        "function_object",
        112,
        "activation as a serialized function; built_* true; trainable false; R = 256",
        8,
        alone(
            DH=8,
            trainable=False,
            activation=_function_object("silu"),
            **dict.fromkeys(BUILT_FLAGS, True),
        ),
        batch=1,
        points=256,
    ),
    Case(
        "leaky_slope",
        113,
        "LeakyReLU of another slope as activation; B = 3; random neighbours, repeated ones among them",
        24,
        alone(DH=16, activation=keras.layers.LeakyReLU(0.05, name="slope")),
        batch=3,
        points=20,
        neighbours=30,
        random_neighbours=True,
    ),
    Case(
        "far_away",
        114,
        "coordinates around 500 with differences around 1; sigma 5, one group of all channels, activation 'relu'",
        32,
        alone(sigma=5.0, groups=32, DH=16, activation="relu"),
        offset=500.0,
    ),
    Case(
        "network_segmentation",
        115,
        "Dense without bias, BatchNormalization, LeakyReLU, Dropout, Dense with softmax",
        4,
        segmentation,
    ),
    Case(
        "network_residual",
        116,
        "names given by Keras; Concatenate, Add, Activation, ReLU, Softmax; two KPConvXLayers",
        4,
        residual,
    ),
    Case("network_two_outputs", 117, "two outputs; ReLU with all settings; two kernels", 5, two_outputs),
    Case(
        "network_place_and_features",
        118,
        "Concatenate of X and F; an Activation layer inside the KPConvXLayer; int64 N; groups 3",
        4,
        before_and_after,
        indices="int64",
    ),
    Case(
        "original",
        119,
        "Q a bare variable, as the original holds it",
        16,
        alone(cls=original.KPConvXLayer, DH=32),
        batch=1,
    ),
    Case("original_network", 120, "two bare Qs, both moved off their initial values; two blocks", 4, _original_pair),
    Case("trained", 121, "compiled, with an optimizer that took a step; names given by Keras", 4, _trained, trained=True),
    Case("nested", 122, "a Sequential, a functional model called twice, a Sequential; frozen layers", 4, _nested),
    Case("sequential", 123, "a Sequential model; hard_sigmoid, which is not the same in Keras 2", 4, _sequential),
]
KERAS_2_NAMES = ("defaults", "deformable", "batch_norms", "original", "trained", "nested", "sequential")
KERAS_2_CASES = [case for case in CASES if case.name in KERAS_2_NAMES]
