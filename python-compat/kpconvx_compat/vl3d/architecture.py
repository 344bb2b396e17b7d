"""Networks as VL3D builds them: the hierarchical autoencoder, and PointNet for the classes of points."""

from dataclasses import dataclass, field

import numpy as np
import tensorflow as tf

from kpconvx_compat import original
from kpconvx_compat.backend import KERAS_2, keras
from kpconvx_compat.vl3d import features, kpconv
from kpconvx_compat.vl3d.regularizer import FeaturesOrthogonalRegularizer

L = keras.layers
OPERATORS = {
    "kpconvx": (original.KPConvXLayer, "KPConvX"),
    "kpconv": (kpconv.KPConvLayer, "KPConv"),
    "light_kpconv": (kpconv.LightKPConvLayer, "LightKPConv"),
    "point_net": (features.GroupingPointNetLayer, "GPNet"),
}
STRIDED = {
    "strided_kpconv": (kpconv.StridedKPConvLayer, "DOWN_SKPConv"),
    "strided_light_kpconv": (kpconv.StridedLightKPConvLayer, "DOWN_SLKPConv"),
}


@dataclass(frozen=True)
class Level:
    """One depth of a hierarchical autoencoder.

    channels: of its features. neighbours: columns of N. down, up: columns of ND and NU, which lead here from the
    depth above and back; of no use at the first depth. operations: settings of each operator's layer but its
    channels. strided: settings of the strided convolution that leads here, but its channels.
    """

    channels: int
    neighbours: int
    down: int = 0
    up: int = 0
    operations: tuple = ({},)
    strided: dict = field(default_factory=dict)


def hierarchical_autoencoder(
    levels,
    features_in,
    classes,
    *,
    operator="kpconvx",
    down="strided_kpconv",
    up="mean",
    wrapper=None,
    align=None,
    bn_momentum=0.9,
    tree="B",
    name=None,
):
    """A functional model that gives each point of X_1 (B, R_1, 3) the probabilities of its classes (B, R_1, classes).

    levels: a `Level` for each depth, at least 2. features_in: width of Fin (B, R_1, features_in). classes: 1 for a
    sigmoid, else a softmax. operator: kpconvx, kpconv, light_kpconv or point_net. down: strided_kpconv,
    strided_light_kpconv or a filter, as `up`. wrapper: None, "unary" (convolutions before and after each operator) or
    "hourglass". KPConvX, whose blocks keep the number of channels, is led to it by a convolution and has no wrapper.
    align: None, or the `pre` and `post` of T-nets that turn X_t and Fin first. tree: A or B, whose decoders name
    their layers differently.

    The inputs are the nested list [X_1, Fin, [X_2 …], [ND_2 …], [N_1 …], [NU_2 …]]; the indices are int32.
    """
    if len(levels) < 2:
        raise ValueError(f"a hierarchy has at least 2 depths; found {len(levels)}")
    if operator == "kpconvx" and wrapper:
        raise ValueError(f"KPConvX takes no wrapper; found {wrapper!r}")
    depths = range(1, len(levels) + 1)
    x = {d: keras.Input((None, 3), name=f"X_{d}") for d in depths}
    fin = keras.Input((None, features_in), name="Fin")
    nd, nu, n = (
        {d: keras.Input((None, columns), name=f"{key}_{d}", dtype="int32") for d, columns in table}
        for key, table in (
            ("ND", [(d, levels[d - 1].down) for d in depths[1:]]),
            ("NU", [(d, levels[d - 1].up) for d in depths[1:]]),
            ("N", [(d, levels[d - 1].neighbours) for d in depths]),
        )
    )
    inputs = [x[1], fin, [x[d] for d in depths[1:]], list(nd.values()), list(n.values()), list(nu.values())]
    f = fin
    if align:
        f = tnet(fin, "F_align", *align)
        x = {d: tnet(x[d], f"X{d}_align", *align) for d in depths}
    if operator == "kpconvx":
        f = _normalized(L.Conv1D(levels[0].channels, 1, name="Stem")(f), "Stem", bn_momentum, L.LeakyReLU, "ACT")

    skips, i = {}, 0
    for d, level in zip(depths, levels):
        if d > 1:
            f = _down([x[d - 1], x[d], f, nd[d]], level, d, i + 1, down, bn_momentum)
            if operator == "kpconvx" and f.shape[-1] != level.channels:
                f = L.Conv1D(level.channels, 1, name=f"Widen_d{d}")(f)
        for settings in level.operations:
            i += 1
            f = _operation(x[d], f, n[d], level.channels, settings, operator, wrapper, f"d{d}_{i}", bn_momentum)
        skips[d] = f
    for d in reversed(depths[1:]):
        f = features.FeaturesUpsamplingLayer(filter=up, name=f"UP_d{d}")([x[d], x[d - 1], f, nu[d]])
        f = L.Concatenate(name=f"CONCAT_d{d - 1}")([f, skips[d - 1]])
        f = _decoded(f, levels[d - 2].channels, d - 1, wrapper, tree, bn_momentum)
    f = L.Conv1D(
        classes,
        1,
        activation="softmax" if classes > 1 else "sigmoid",
        kernel_initializer="glorot_normal",
        name="pwise_out",
    )(f)
    name = name or ("PointNet" if tree == "A" else "ConvAutoenc_PointWise_Classification")
    return keras.Model(inputs, f, name=name)


def _normalized(f, name, momentum, activation, suffix, norm=None):
    f = L.BatchNormalization(momentum=momentum, name=f"{norm or name}_BN")(f)
    return activation(name=f"{norm or name}_{suffix}")(f)


def _relu(name):
    return L.Activation("relu", name=name)


def _operation(x, f, n, channels, settings, operator, wrapper, place, momentum):
    cls, prefix = OPERATORS[operator]
    if operator == "kpconvx":
        return cls(name=f"{prefix}_{place}", **settings)([x, f, n])
    before = f
    inner = channels // 2 if wrapper else channels
    if wrapper == "unary":
        f = L.Conv1D(inner, 1, name=f"PreWrap_{place}")(f)
        f = _normalized(f, f"PreWrap_{place}", momentum, _relu, "ACT")
    elif wrapper == "hourglass":
        f = features.HourglassLayer(inner, inner, name=f"PreHG_{place}")(f)
    width = {"dim_out": inner} if operator == "point_net" else {"Dout": inner}
    f = cls(name=f"{prefix}_{place}", **width, **settings)([x, f, n])
    f = _normalized(f, f"{prefix}_{place}", momentum, L.ReLU, "ReLU")
    if wrapper == "unary":
        f = L.Conv1D(channels, 1, name=f"PostWrap_{place}")(f)
        f = _normalized(f, f"PostWrap_{place}", momentum, _relu, "ACT")
    elif wrapper == "hourglass":
        beside = features.HourglassLayer(inner, channels, name=f"ParHG_{place}")(before)
        f = features.HourglassLayer(inner, channels, name=f"PostHG_{place}")(f)
        f = L.Add(name=f"HG_{place}_ADD")([f, beside])
        f = _normalized(f, f"HG_{place}", momentum, _relu, "ACT")
    return f


def _down(inputs, level, d, i, down, momentum):
    if down not in STRIDED:
        return features.FeaturesDownsamplingLayer(filter=down, name=f"DOWN_d{d}")(inputs)
    cls, prefix = STRIDED[down]
    f = cls(name=f"{prefix}_d{d}_{i}", Dout=level.channels, **level.strided)(inputs)
    return _normalized(f, f"DOWN_d{d}_{i}", momentum, L.ReLU, "ReLU")


def _decoded(f, channels, d, wrapper, tree, momentum):
    if tree == "A":
        f = L.Conv1D(channels, 1, kernel_initializer="glorot_normal", name=f"Conv1D_d{d}")(f)
        return L.Activation("relu")(L.BatchNormalization(momentum=momentum, name=f"BN_d{d}")(f))
    if wrapper == "hourglass":
        f = features.HourglassLayer(max(1, channels // 2), channels, name=f"UpHG_d{d}")(f)
    else:
        f = L.Conv1D(channels, 1, kernel_initializer="glorot_normal", name=f"UpConv1D_d{d}")(f)
    f = L.BatchNormalization(momentum=momentum, name=f"UpBN_d{d}")(f)
    return L.Activation("relu", name=f"UpReLU_d{d}")(f)


def tnet(x, name, pre, post, l2reg=0.001, bn_momentum=0.0):
    """x (B, R, n), transformed by a matrix that a small network finds for the whole cloud.

    pre, post: channels of its layers before and after the maximum over the points.
    """
    n = x.shape[-1]
    y = x
    for i, channels in enumerate(pre, start=1):
        y = _shared(y, channels, f"{name}_pre{i}_f{channels}", bn_momentum)
    y = L.GlobalMaxPooling1D(name=f"{name}_GMaxPool")(y)
    for i, channels in enumerate(post, start=1):
        y = L.Dense(channels, kernel_initializer="glorot_normal", name=f"{name}_post{i}_f{channels}_dense")(y)
        y = L.BatchNormalization(momentum=bn_momentum, name=f"{name}_post{i}_f{channels}_bn")(y)
        y = L.Activation("relu", name=f"{name}_post{i}_f{channels}_relu")(y)
    y = L.Dense(
        n * n,
        kernel_initializer="zeros",
        bias_initializer=keras.initializers.Constant(np.eye(n).flatten()),
        activity_regularizer=FeaturesOrthogonalRegularizer(n, l2reg),
        name=f"{name}_final",
    )(y)
    return L.Dot(axes=(2, 1), name=f"{name}_mm")([x, L.Reshape((n, n))(y)])


def _shared(f, channels, name, momentum):
    """The same layer for each point."""
    f = L.Conv1D(channels, 1, kernel_initializer="glorot_normal", name=f"{name}_conv1D")(f)
    f = L.BatchNormalization(momentum=momentum, name=f"{name}_bn")(f)
    return L.Activation("relu", name=f"{name}_relu")(f)


def point_net(
    points, features_in, classes, *, pre=(8, 12), post=(10, 20), final=(16, 10), hidden=True, bn_momentum=0.0
):
    """PointNet for classes of points, (B, points, classes) from Xin (B, points, 3) and Fin (B, points, features_in).

    Each input goes through T-nets and shared layers of pre and post channels; their features of each point and,
    repeated, of the whole cloud are mixed by the layers of `final`. hidden: whether a second T-net turns the features
    of `pre`.
    """
    inputs = [keras.Input((None, 3), name="Xin"), keras.Input((None, features_in), name="Fin")]
    parts = []
    for kind, f in zip("XF", inputs):
        f = tnet(f, f"{kind}_input_transf", (12,), (8,), bn_momentum=bn_momentum)
        for letter, channels in zip("ABCDEF", pre):
            f = _shared(f, channels, f"{kind}_prefeats{channels}_{letter}", bn_momentum)
        if hidden:
            f = tnet(f, f"{kind}_hidden_transf", (12,), (8,), bn_momentum=bn_momentum)
        parts.append(f)
        for channels in post[:-1]:
            f = _shared(f, channels, f"{kind}_posfeats{channels}", bn_momentum)
        parts.append(f)
        f = _shared(f, post[-1], f"{kind}_posfeats{post[-1]}_end", bn_momentum)
        f = L.MaxPooling1D(pool_size=points, name=f"max_pool1D_{kind}")(f)
        parts.append(_repeated(f, points, f"global_feats_{kind}"))
    f = L.Concatenate(name="full_feats")(parts)
    for i, channels in enumerate(final[:-1], start=1):
        f = _shared(f, channels, f"final_sharedMLP{i}_{channels}", bn_momentum)
    f = _shared(f, final[-1], "pwise_feats", bn_momentum)
    f = L.Conv1D(classes, 1, activation="softmax", kernel_initializer="glorot_normal", name="pwise_out")(f)
    return keras.Model(inputs, f, name="PointNet")


def _repeated(f, points, name):
    """Keras 2 makes a layer of TensorFlow's function, Keras 3 wants its own."""
    return tf.tile(f, [1, points, 1], name=name) if KERAS_2 else keras.ops.tile(f, [1, points, 1])
