"""Small models of VL3D's layers: one layer each, in settings that the recorded ones do not have, and whole networks."""

from dataclasses import dataclass
from typing import Callable

import numpy as np
import tensorflow as tf

from kpconvx_compat.backend import keras
from kpconvx_compat.vl3d import architecture, features, hierarchy, kpconv, rbf
from kpconvx_compat.vl3d.architecture import Level
from kpconvx_compat.layer import KPConvXBase
from kpconvx_compat.oracle import NORMALIZATIONS, TENSORS
from kpconvx_compat.vl3d.common import Layer
from kpconvx_compat.vl3d.files import feed, named_weights

L2 = keras.regularizers.L2
EVERY_FORM = ("h5", "weights.h5", "saved_model")
INDICES = ("N", "ND", "NU")


@dataclass(frozen=True)
class Case:
    """A model of one layer, named `layer`, and inputs for it.

    layer: makes it. inputs: the names of what it takes, in its order. points, coarser, features, neighbours, batch: R
    or R_a, R_b, D, κ and B. own: whether a point is its own first neighbour. gaussian: what that filter means. forms:
    of its fixture, besides `.keras`.
    """

    name: str
    seed: int
    layer: Callable
    inputs: str
    points: int = 24
    coarser: int = 10
    features: int = 4
    neighbours: int = 6
    batch: int = 2
    own: bool = True
    gaussian: str = "falls"
    forms: tuple = ()
    trained: bool = False

    def model(self):
        """The model, with weights drawn from the seed."""
        keras.backend.clear_session()
        widths = {"F": self.features, **dict.fromkeys(INDICES, self.neighbours)}
        tensors = [
            keras.Input((None, widths.get(name, 3)), name=name, dtype="int32" if name in INDICES else "float32")
            for name in self.inputs.split()
        ]
        with features.gaussian(self.gaussian):
            made = self.layer()
        y = made(tensors if len(tensors) > 1 else tensors[0])
        model = keras.Model(tensors, y, name="single")
        draw_weights(model, np.random.default_rng([self.seed, 0]))
        return model

    def arrays(self):
        """The inputs by name: random clouds in a cube of edge 2, their true nearest neighbours, and random features."""
        rng = np.random.default_rng([self.seed, 1])
        names = self.inputs.split()
        cloud = rng.uniform(-1.0, 1.0, (self.batch, self.points, 3)).astype(np.float32)
        coarse = cloud[:, : self.coarser] + rng.normal(0.0, 0.05, (self.batch, self.coarser, 3)).astype(np.float32)
        found = {"X": cloud, "Xa": cloud, "Xb": coarse}
        if "NU" in names:  # up, from the coarser ones
            found |= {"Xa": coarse, "Xb": cloud}
        rows = found["Xa" if "Xa" in names else "X"].shape[1]
        found["F"] = rng.standard_normal((self.batch, rows, self.features)).astype(np.float32)
        centers, others = ("Xb", "Xa") if "Xa" in names else ("X", "X")
        place = found[others][:, None].astype(np.float64) - found[centers][:, :, None]
        order = np.argsort(np.sum(place**2, axis=-1), axis=-1, kind="stable")
        first = 0 if self.own else 1
        n = order[..., first : first + self.neighbours].astype(np.int32)
        return {name: n if name in INDICES else found[name] for name in names}


@dataclass(frozen=True)
class Network:
    """A whole network, otherwise like a `Case`.

    build: makes it. arrays_of: its inputs by name, from a random generator. trained: whether its fixture tells how it
    is trained.
    """

    name: str
    seed: int
    build: Callable
    arrays_of: Callable
    gaussian: str = "falls"
    forms: tuple = ("saved_model",)
    trained: bool = False

    def model(self):
        keras.backend.clear_session()
        with features.gaussian(self.gaussian):
            model = self.build()
        draw_weights(model, np.random.default_rng([self.seed, 0]))
        return model

    def arrays(self):
        return self.arrays_of(np.random.default_rng([self.seed, 1]))


def draw_weights(model, rng):
    """Gives weights values that keep activations near 1.

    Kernel points fill their ball, the first one at its centre, or stay near their figure.
    They depend on the random numbers alone, not on what Keras or the initializers drew.
    """
    for layer in model.layers:
        if isinstance(layer, KPConvXBase):
            for name, weight in kpconvx_weights(layer).items():
                if name != "Q":
                    weight.assign(_drawn_of_keras(name.split(".")[-1], weight, rng))
        elif isinstance(layer, Layer):
            for name, weight in named_weights(layer).items():
                weight.assign(_kept(weight, _drawn(layer, name, tuple(weight.shape), rng)))
        else:
            for weight in layer.weights:
                weight.assign(_kept(weight, _drawn_of_keras(weight.name.split("/")[-1].split(":")[0], weight, rng)))


def _kept(weight, value):
    constraint = getattr(weight, "constraint", None)
    value = tf.constant(value, tf.float32)
    return constraint(value) if constraint else value


def _drawn(layer, name, shape, rng):
    if name == "Q" and hasattr(layer, "kernel_radius"):
        directions = rng.standard_normal(shape)
        directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
        q = layer.kernel_radius * rng.uniform(0.2, 1.0, (len(directions), 1)) ** (1 / 3) * directions
        q[0] = rng.normal(0.0, 0.05, 3) if layer.deformable else 0.0
        return q
    if name in ("Q", "QX", "M"):
        return np.asarray(getattr(layer, name)) + rng.normal(0.0, 0.05, shape)
    if name in ("omega", "omegaD", "Omega"):
        # Only squares count, so some are negative.
        return rng.uniform(0.5, 1.2, shape) * np.where(rng.uniform(size=shape) < 0.2, -1.0, 1.0)
    if name == "A":
        return rng.normal(1.0, 0.3, shape)
    return rng.normal(0.0, (shape[-2] if len(shape) > 1 else 4) ** -0.5, shape)


def _drawn_of_keras(name, weight, rng):
    shape = tuple(weight.shape)
    if name == "moving_variance":
        return rng.uniform(0.5, 2.0, shape)
    if name == "gamma":
        return rng.uniform(0.5, 1.5, shape)
    if name in ("kernel", "Phi", "Psi", "Atilde", "Ahat"):
        return rng.normal(0.0, shape[-2] ** -0.5, shape)
    if name == "W":
        return rng.normal(0.0, 1.0, shape)
    return np.asarray(weight) * (name == "bias") + rng.normal(0.0, 0.2, shape)  # a bias may hold the identity


def watched(model):
    """Every trainable tensor by <layer>.<name>, also those that Keras 3 does not know of."""
    found = {}
    for layer in model.layers:
        if isinstance(layer, Layer):
            own = named_weights(layer)
        elif isinstance(layer, KPConvXBase):
            own = kpconvx_weights(layer)
        else:
            own = {weight.name.split("/")[-1].split(":")[0]: weight for weight in layer.weights}
        if layer.trainable:
            found |= {f"{layer.name}.{name}": weight for name, weight in own.items() if weight.trainable}
    return found


def kpconvx_weights(layer):
    """The weights of a KPConvX layer: Q, W …, and bn_phi.0.gamma … of its normalizations."""
    found = {name: getattr(layer, name) for name in ("Q", *TENSORS)}
    for key in NORMALIZATIONS:
        for t, norm in enumerate(getattr(layer, key)):
            found |= {f"{key}.{t}.{w.name.split('/')[-1].split(':')[0]}": w for w in norm.weights}
    return found


def gradients(model, inputs):
    """The loss Σ output², and its gradients by each float input and by what `watched` gives, by their names."""
    tensors = {name: tf.constant(value) for name, value in inputs.items()}
    places = {name: value for name, value in tensors.items() if value.dtype.is_floating}
    for name, weight in watched(model).items():
        places[name] = weight if isinstance(weight, tf.Variable) else weight.value
    with tf.GradientTape() as tape:
        tape.watch(list(places.values()))
        loss = tf.reduce_sum(tf.square(model(feed(model, tensors), training=False)))
    found = tape.gradient(loss, places, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    return {**{name: np.asarray(value) for name, value in found.items()}, "loss": loss.numpy()}


CASES = [
    Case(
        "kpconv_wide_sigma",
        201,
        lambda: kpconv.KPConvLayer(
            name="layer",
            sigma=1.7,
            kernel_radius=0.5,
            num_kernel_points=12,
            Dout=3,
            W_initializer="he_uniform",
            W_regularizer=keras.regularizers.L1L2(l1=0.001, l2=0.02),
            W_constraint=keras.constraints.UnitNorm(axis=1),
        ),
        "X F N",
    ),
    Case(
        "kpconv_one_point",
        202,
        lambda: kpconv.KPConvLayer(name="layer", num_kernel_points=1, Dout=2),
        "X F N",
        points=1,
        neighbours=1,
        batch=1,
    ),
    Case(
        "kpconv_frozen",
        203,
        lambda: kpconv.KPConvLayer(
            name="layer", sigma=0.6, num_kernel_points=8, deformable=True, Dout=3, trainable=False
        ),
        "X F N",
    ),
    Case(
        "strided_kpconv_deformable",
        204,
        lambda: kpconv.StridedKPConvLayer(
            name="layer", sigma=0.8, kernel_radius=0.7, num_kernel_points=6, deformable=True, Dout=5
        ),
        "Xa Xb F ND",
        forms=EVERY_FORM,
    ),
    Case(
        "light_kpconv_three_features",
        205,
        lambda: kpconv.LightKPConvLayer(
            name="layer",
            sigma=0.9,
            num_kernel_points=7,
            Dout=4,
            A_trainable=False,
            A_initializer="glorot_normal",
            W_regularizer=L2(0.03),
        ),
        "X F N",
        features=3,
        forms=EVERY_FORM,
    ),
    Case(
        "strided_light_kpconv_deformable",
        206,
        lambda: kpconv.StridedLightKPConvLayer(
            name="layer", sigma=1.2, num_kernel_points=9, deformable=True, Dout=2, A_constraint="non_neg"
        ),
        "Xa Xb F ND",
        features=3,
    ),
    Case(
        "down_gaussian_upper_case",
        207,
        lambda: features.FeaturesDownsamplingLayer(name="layer", filter="GAUSSIAN"),
        "Xa Xb F ND",
        forms=EVERY_FORM,
    ),
    Case(
        "up_gaussian_grows",
        208,
        lambda: features.FeaturesUpsamplingLayer(name="layer", filter="Gaussian"),
        "Xa Xb F NU",
        neighbours=3,
        gaussian="grows",
        forms=EVERY_FORM,
    ),
    Case(
        "up_exponential_capitalized",
        209,
        lambda: features.FeaturesUpsamplingLayer(name="layer", filter="Exponential"),
        "Xa Xb F NU",
        neighbours=3,
    ),
    Case(
        "down_nearest_upper_case",
        210,
        lambda: features.FeaturesDownsamplingLayer(name="layer", filter="NEAREST"),
        "Xa Xb F ND",
        neighbours=2,
    ),
    Case(
        "up_mean_default",
        211,
        lambda: features.FeaturesUpsamplingLayer(name="layer"),
        "Xa Xb F NU",
        neighbours=1,
    ),
    Case(
        "grouping_point_net_rules",
        212,
        lambda: features.GroupingPointNetLayer(
            5,
            name="layer",
            H_activation="sigmoid",
            H_constraint=keras.constraints.MaxNorm(1.0),
            gamma_activation="softplus",
            gamma_kernel_regularizer=keras.regularizers.L1(0.01),
            gamma_bias_regularizer=L2(0.05),
            gamma_bias_constraint="non_neg",
        ),
        "X F N",
    ),
    Case(
        "structuring_opaque",
        213,
        lambda: features.FeaturesStructuringLayer(
            [1.5, 1.0, 0.7],
            3,
            [1, 2, 2],
            dim_out=3,
            concatenation_strategy="opaque",
            trainable_omegaD=False,
            name="layer",
        ),
        "X F",
        forms=EVERY_FORM,
    ),
    Case(
        "hourglass_safe",
        214,
        lambda: features.HourglassLayer(
            3, 5, name="layer", activation2="relu", spectral_strategy="safe", beta=0.3, W2_regularizer=L2(0.01)
        ),
        "F",
    ),
    Case(
        "hourglass_unsafe",
        215,
        lambda: features.HourglassLayer(
            2, 4, name="layer", activation="identity", activation2="Identity", spectral_strategy="unsafe"
        ),
        "F",
    ),
    Case(
        "hourglass_loose",
        216,
        lambda: features.HourglassLayer(6, 3, name="layer", regularize=False, spectral_strategy=None),
        "F",
    ),
    Case(
        "rbf_extract_markov_grids",
        217,
        lambda: rbf.RBFFeatExtractLayer(
            np.array([0.9, 1.2, 0.6]),
            2,
            np.array([1, 3]),
            kernel_function_type="Markov",
            structure_initialization_type="concentric_grids",
            name="layer",
        ),
        "X",
    ),
    Case(
        "rbf_extract_cone",
        218,
        lambda: rbf.RBFFeatExtractLayer(
            [1.0, 0.7, 1.3], 2, [1, 4], structure_initialization_type="cone", trainable_Q=False, name="layer"
        ),
        "X",
        forms=EVERY_FORM,
    ),
    Case(
        "rbf_extract_zeros",
        219,
        lambda: rbf.RBFFeatExtractLayer(
            [1.0, 1.0, 1.0], 2, [1, 2], structure_initialization_type="zeros", trainable_omega=False, name="layer"
        ),
        "X",
    ),
    Case(
        "rbf_processing_narrow",
        220,
        lambda: rbf.RBFFeatProcessingLayer(
            3, [0.2, -0.4], [0.9, 1.4], a=0.05, b=0.5, trainable_M=False, name="layer"
        ),
        "F",
        features=2,
    ),
    Case(
        "tnet_of_three",
        221,
        lambda: lambda f: architecture.tnet(f, "F_align", (5, 7), (6,)),  # no layer, but called like one
        "F",
        features=3,
    ),
]


def _field(points, down, pwise, up, width, batch=2):
    """Inputs of a hierarchical network, from clouds in a cube of edge 2."""

    def arrays(rng):
        clouds = rng.uniform(-1.0, 1.0, (batch, 3 * points[0], 3))
        fields = [hierarchy.hierarchy(x, points, down, pwise, up) for x in clouds]
        return hierarchy.inputs(fields, rng.standard_normal((batch, 3 * points[0], width)))

    return arrays


_KPCONVX = {"DH": 16, "groups": 4, "sigma": 0.9, "shell_radii": [0, 0.9], "shell_points": [1, 7]}
_STRIDED = {"sigma": 0.9, "kernel_radius": 0.7, "num_kernel_points": 5}
NETWORKS = [
    Network(
        "kpconv_autoencoder",
        301,
        lambda: architecture.hierarchical_autoencoder(
            [
                Level(8, 8, operations=({"sigma": 0.6, "kernel_radius": 0.5, "num_kernel_points": 7},)),
                Level(
                    12,
                    6,
                    down=7,
                    up=3,
                    operations=({"sigma": 0.9, "kernel_radius": 0.8, "num_kernel_points": 6},),
                    strided={"sigma": 0.8, "kernel_radius": 0.7, "num_kernel_points": 5},
                ),
            ],
            3,
            4,
            operator="kpconv",
            wrapper="unary",
            tree="A",
        ),
        _field([32, 16], [1, 7], [8, 6], [1, 3], 3),
        forms=EVERY_FORM,
        trained=True,
    ),
    Network(
        "point_net",
        302,
        lambda: architecture.point_net(24, 2, 3, pre=(8,), post=(9,), final=(6,), hidden=False),
        lambda rng: {
            "Xin": rng.uniform(-1.0, 1.0, (2, 24, 3)).astype(np.float32),
            "Fin": rng.standard_normal((2, 24, 2)).astype(np.float32),
        },
        trained=True,
    ),
    Network(
        "kpconvx_hierarchy",
        303,
        lambda: architecture.hierarchical_autoencoder(
            [
                Level(8, 8, operations=({**_KPCONVX, "sigma": 0.5, "shell_radii": [0, 0.6], "shell_points": [1, 6]},)),
                Level(16, 6, down=6, up=3, operations=(_KPCONVX,), strided=_STRIDED),
            ],
            3,
            5,
            name="KPConvX_PointWise_Classification",
        ),
        _field([32, 16], [1, 6], [8, 6], [1, 3], 3),
        trained=True,
    ),
    Network(
        "light_hourglass_autoencoder",
        304,
        lambda: architecture.hierarchical_autoencoder(
            [
                Level(6, 6, operations=({"sigma": 0.7, "kernel_radius": 0.5, "num_kernel_points": 6},)),
                Level(8, 5, down=5, up=3, operations=({"sigma": 1.0, "num_kernel_points": 5},), strided=_STRIDED),
            ],
            2,
            1,
            operator="light_kpconv",
            down="strided_light_kpconv",
            up="gaussian",
            wrapper="hourglass",
        ),
        _field([24, 10], [1, 5], [6, 5], [1, 3], 2),
        forms=(),
    ),
    Network(
        "aligned_point_net_autoencoder",
        305,
        lambda: architecture.hierarchical_autoencoder(
            [Level(6, 6, operations=({"H_activation": "relu"},)), Level(8, 5, down=5, up=3)],
            2,
            3,
            operator="point_net",
            down="exponential",
            up="nearest",
            align=((6,), (5,)),
        ),
        _field([24, 10], [1, 5], [6, 5], [1, 3], 2),
        forms=(),
    ),
]
BY_NAME = {case.name: case for case in [*CASES, *NETWORKS]}
