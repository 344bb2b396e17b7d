"""The training cases: small models that between them take every path of a training step.

Nothing in them is random: drop_path and the rate of Dropout are 0 or 1. As a gradient is compared with one computed
elsewhere, a case's seed is one where no point is at a kink of what is computed; `training.require_determined` sees to that.
"""

from functools import partial

import keras

from kpconvx_compat.cases import (
    Case,
    alone,
    before_and_after,
    keras2_objects,
    objects,
    residual,
    segmentation,
    two_outputs,
)
from kpconvx_compat.layer import KPConvXLayer

BatchNormalization, Dense = keras.layers.BatchNormalization, keras.layers.Dense
_case = partial(Case, points=16)  # with other defaults than the parity cases, to be small
SMALL = {"shell_radii": [0, 0.8], "shell_points": [1, 5], "DH": 8, "groups": 4}


def _normalizations(x, f, n):
    layer = KPConvXLayer(
        name="conv",
        blocks=2,
        bn_momentum=0.75,
        **SMALL,
        bn_phi=[
            BatchNormalization(epsilon=1e-5, momentum=0.0, name="phi_0"),
            BatchNormalization(epsilon=0.1, scale=False, momentum=1.0, name="phi_1"),
        ],
        bn_htilde=[
            BatchNormalization(center=False, momentum=0.5, name="htilde_0"),
            BatchNormalization(center=False, scale=False, epsilon=1e-4, name="htilde_1"),
        ],
    )
    return layer([x, f, n])


def _momentums(x, f, n):
    f = KPConvXLayer(name="forgetful", **SMALL, bn_momentum=0)([x, f, n])
    f = BatchNormalization(momentum=0.0, name="last_batch")(f)
    f = KPConvXLayer(name="stubborn", **SMALL, bn_momentum=1)([x, f, n])
    return BatchNormalization(momentum=1.0, name="unmoved")(f)


def _frozen_layer(x, f, n):
    f = Dense(16, activation="tanh", name="stem")(f)
    f = KPConvXLayer(name="conv", DH=16, trainable=False, regularizer="l2", constraint="non_neg")([x, f, n])
    f = KPConvXLayer(name="deformed", deformable=True, trainable=False, **SMALL)([x, f, n])
    f = BatchNormalization(name="norm", trainable=False)(f)
    return Dense(4, name="scores", kernel_regularizer="l2")(f)


def _frozen_normalizations(x, f, n):
    layer = KPConvXLayer(
        name="conv",
        blocks=2,
        **SMALL,
        bn_phi=[BatchNormalization(trainable=False, gamma_regularizer="l2"), BatchNormalization()],
        bn_htilde=[BatchNormalization(), BatchNormalization(trainable=False)],
        bn_hhat=[BatchNormalization(trainable=False), BatchNormalization(trainable=False)],
    )
    return layer([x, f, n])


def _all_dropped(x, f, n):
    f = Dense(12, name="stem")(f)
    f = KPConvXLayer(name="dropped", blocks=2, deformable=True, drop_path=1, regularizer="l1", **SMALL)([x, f, n])
    return KPConvXLayer(name="kept", drop_path=0.0, **SMALL)([x, f, n])


def _non_negative(x, f, n):
    f = Dense(12, name="stem", kernel_constraint="non_neg", bias_constraint="non_neg", activation="elu")(f)
    settings = {"constraint": keras.constraints.NonNeg(), "regularizer": keras.regularizers.L1(0.02)}
    return KPConvXLayer(name="conv", DH=12, groups=4, **settings)([x, f, n])


def _norms_held(x, f, n):
    f = Dense(
        12,
        name="stem",
        kernel_constraint=keras.constraints.MaxNorm(0.5, axis=[0, 1]),
        bias_constraint=keras.constraints.UnitNorm(axis=0),
    )(f)
    f = KPConvXLayer(
        name="between",
        blocks=2,
        constraint=keras.constraints.MinMaxNorm(min_value=0.6, max_value=0.9, rate=0.5, axis=-1),
        **SMALL,
    )([x, f, n])
    f = KPConvXLayer(
        name="below", constraint=keras.constraints.MaxNorm(max_value=0.7, axis=1), **SMALL
    )([x, f, n])
    f = KPConvXLayer(name="unit", constraint=keras.constraints.UnitNorm(axis=[0, 1]), **SMALL)([x, f, n])
    return BatchNormalization(
        name="norm",
        gamma_constraint=keras.constraints.MinMaxNorm(min_value=0.0, max_value=2.0),
        beta_constraint=keras.constraints.MaxNorm(0.3),
    )(f)


def _regularized_parts(x, f, n):
    f = Dense(
        16,
        activation="tanh",
        name="stem",
        kernel_regularizer=keras.regularizers.OrthogonalRegularizer(factor=0.1, mode="rows"),
        bias_regularizer=keras.regularizers.L1(0.05),
    )(f)
    settings = {
        "gamma_regularizer": keras.regularizers.L2(0.03),
        "beta_regularizer": keras.regularizers.L1L2(l1=0.02, l2=0.01),
    }
    f = BatchNormalization(name="norm", **settings)(f)
    f = KPConvXLayer(
        name="conv",
        DH=16,
        bn_phi=[BatchNormalization(gamma_regularizer="l1", beta_regularizer="l2")],
        bn_hhat=[BatchNormalization(beta_constraint="non_neg", gamma_constraint="max_norm", **settings)],
    )([x, f, n])
    return Dense(
        5,
        name="scores",
        kernel_regularizer=keras.regularizers.OrthogonalRegularizer(factor=0.2, mode="columns"),
        bias_regularizer="l2",
    )(f)


def _activity(x, f, n):
    f = Dense(16, name="stem", activation="relu", activity_regularizer=keras.regularizers.L1(1e-3))(f)
    f = KPConvXLayer(name="conv", DH=16, regularizer=keras.regularizers.L2(0.01))([x, f, n])
    return Dense(4, name="scores", activity_regularizer=keras.regularizers.L2(1e-3))(f)


def _activations(x, f, n):
    for activation in ("softplus", "silu", "selu", "tanh"):
        f = KPConvXLayer(name=activation, activation=activation, **SMALL)([x, f, n])
    return f


def _clipped(x, f, n):
    f = keras.layers.ReLU(max_value=1.5, negative_slope=0.05, threshold=0.1, name="clipped")(f)
    f = KPConvXLayer(name="conv", DH=16, groups=4, activation=keras.layers.LeakyReLU(negative_slope=0.05))([x, f, n])
    f = keras.layers.LeakyReLU(negative_slope=0.2, name="leaky")(f)
    return keras.layers.Softmax(name="probabilities")(f)


TRAINING_CASES = [
    _case("defaults", 301, "every setting at its default; DH 384", 8, alone()),
    _case(
        "single_point",
        202,
        "B = R = κ = 1, so that every variance is 0; one kernel point, groups 1",
        8,
        alone(shell_radii=[0], shell_points=[1], DH=8, groups=1),
        batch=1,
        points=1,
        neighbours=1,
    ),
    _case(
        "deformable",
        203,
        "trainable Q; two blocks; int64 N",
        16,
        alone(blocks=2, DH=16, groups=8, deformable=True),
        indices="int64",
    ),
    _case(
        "three_blocks",
        204,
        "three blocks",
        12,
        alone(blocks=3, DH=8, groups=6),
        batch=1,
        neighbours=8,
    ),
    _case(
        "one_shell",
        205,
        "a single shell, without a centre; sigma 0.5; activation 'elu'; int64 N",
        16,
        alone(shell_radii=[0.8], shell_points=[12], sigma=0.5, DH=16, activation="elu"),
        own=False,
        indices="int64",
    ),
    _case(
        "four_shells",
        206,
        "four shells, small sigma, so that many neighbours have no influence; κ = 32",
        16,
        alone(shell_radii=[0, 0.3, 0.6, 0.9], shell_points=[1, 4, 6, 8], sigma=0.25, DH=16),
        batch=1,
        points=48,
        neighbours=32,
    ),
    _case(
        "wide",
        207,
        "D = 48, groups 16, two shells",
        48,
        alone(shell_radii=[0, 0.9], shell_points=[1, 6], groups=16, DH=8),
        batch=1,
    ),
    _case(
        "on_kernel_points",
        208,
        "trainable Q and neighbours that lie exactly on a kernel point: no gradient there",
        8,
        alone(DH=8, groups=4, deformable=True),
        points=32,
        on_kernel_points=True,
    ),
    _case(
        "leaky_slope",
        309,
        "LeakyReLU of another slope; B = 3; random neighbours, repeated ones among them",
        16,
        alone(DH=8, activation=keras.layers.LeakyReLU(negative_slope=0.05, name="slope")),
        batch=3,
        points=20,
        neighbours=24,
        random_neighbours=True,
    ),
    _case(
        "far_away",
        210,
        "coordinates around 500 with differences around 1; sigma 5, one group of all channels, activation 'relu'",
        16,
        alone(sigma=5.0, groups=16, DH=16, activation="relu"),
        offset=500.0,
    ),
    _case(
        "batch_norms",
        211,
        "given normalizations: epsilon, momentum 0, 0.5 and 1, no scale, no center, neither",
        16,
        _normalizations,
    ),
    _case("momentums", 212, "bn_momentum and the momentum of a BatchNormalization 0, then 1", 8, _momentums),
    _case("frozen_layer", 213, "layers with trainable false, one of them deformable, between trained ones", 4, _frozen_layer),
    _case("frozen_norms", 214, "frozen normalizations in a trained layer, one with a regularizer", 16, _frozen_normalizations),
    _case("drop_path_1", 215, "two blocks dropped by drop_path 1, their weights regularized by L1", 4, _all_dropped),
    _case(
        "names",
        216,
        "regularizer, constraint and activation by name",
        16,
        alone(DH=16, initializer="he_normal", regularizer="l2", constraint="max_norm", activation="gelu"),
    ),
    _case("objects", 217, "L1L2, UnitNorm and a ReLU with all settings, as Keras 3 objects", 16, objects),
    _case("keras2_objects", 218, "L2, MaxNorm, LeakyReLU and the normalizations as Keras 2 objects", 16, keras2_objects),
    _case("non_negative", 219, "NonNeg and L1; Dense with constraints", 4, _non_negative),
    _case("norms_held", 220, "MaxNorm, MinMaxNorm and UnitNorm over several axes; in a BatchNormalization too", 4, _norms_held),
    _case(
        "regularized_parts",
        221,
        "regularizers and constraints inside given normalizations, BatchNormalization and Dense; OrthogonalRegularizer",
        4,
        _regularized_parts,
    ),
    _case("activity", 222, "Dense with activity_regularizer: Keras 3.15 divides it by B, Keras 3.6 does not", 4, _activity),
    _case("activations", 223, "softplus, silu, selu and tanh, a layer each", 8, _activations),
    _case("clipped", 224, "ReLU with all settings, LeakyReLU and Softmax as layers", 8, _clipped),
    _case(
        "network_segmentation",
        225,
        "Dense without bias, BatchNormalization, LeakyReLU, Dropout of rate 0, Dense with softmax",
        4,
        partial(segmentation, dropout=0.0),
    ),
    _case("network_residual", 226, "names given by Keras; Concatenate, Add, Activation; two KPConvXLayers", 4, residual),
    _case("network_two_outputs", 227, "two outputs, so two targets; two kernels", 5, two_outputs),
    _case(
        "network_place_and_features",
        228,
        "Concatenate of X and F, so that X has a gradient through both; int64 N; groups 3",
        4,
        partial(before_and_after, drop_path=0),
        indices="int64",
    ),
]
