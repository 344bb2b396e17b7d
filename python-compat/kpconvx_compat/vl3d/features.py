"""The layers that work on features: between two clouds, within neighbourhoods, and by themselves."""

from contextlib import contextmanager

import numpy as np
import tensorflow as tf

from kpconvx_compat.backend import keras
from kpconvx_compat.vl3d.common import PACKAGE, Layer, array, differences, gathered, rules, squares, written_rules
from kpconvx_compat.vl3d.initializers import KernelPointStructureInitializer

GAUSSIAN_SIGNS = {"grows": 1.0, "falls": -1.0}  # the tree of 2024, that of 2025
_gaussian = None


@contextmanager
def gaussian(meaning):
    """Layers made inside take the filter "gaussian" for weights that `grows` or `falls` with distance.

    The two public trees of VL3D differ, and no file tells which one wrote it; hence a "gaussian" layer that is made
    outside of such a block, without a `gaussian` of its own, is an error.
    """
    global _gaussian
    before, _gaussian = _gaussian, meaning
    try:
        yield
    finally:
        _gaussian = before


class _Resampling(Layer):
    """[Xa (B, R_a, 3), Xb (B, R_b, 3), F (B, R_a, D), N (B, R_b, n)] → (B, R_b, D): features of Xa, filtered to Xb.

    filter: mean, nearest (the first neighbour), gaussian (see `gaussian`) or exponential, in any case. Where all
    neighbours of a point lie in the point itself, the last two give NaN, as in the original.
    """

    def __init__(self, filter="mean", gaussian=None, **kwargs):
        super().__init__(**kwargs)
        self.filter = filter
        kind = filter.lower()
        if kind not in ("mean", "nearest", "gaussian", "exponential"):
            raise ValueError(f"filter must be mean, nearest, gaussian or exponential; found {filter!r}")
        if kind == "gaussian" and (gaussian or _gaussian) not in GAUSSIAN_SIGNS:
            raise ValueError(
                f"{self.name}: whether the weights of the filter gaussian grow or fall with distance depends on the "
                'version of VL3D: load in a block `with gaussian("grows")` (2024) or `with gaussian("falls")` (2025)'
            )
        self.sign = GAUSSIAN_SIGNS[gaussian or _gaussian] if kind == "gaussian" else 1.0

    def call(self, inputs, training=False, mask=False):
        xa, xb, f, n = inputs
        kind = self.filter.lower()
        if kind == "nearest":
            return tf.gather(f, n[:, :, 0], axis=1, batch_dims=1)
        f = gathered(f, n)
        if kind == "mean":
            return tf.reduce_mean(f, axis=2)
        square = tf.reduce_sum(tf.square(differences(xa, xb, n)), axis=-1)
        weight = tf.exp(self.sign * square / tf.reduce_max(square, axis=-1, keepdims=True))[..., None]
        return tf.reduce_sum(weight * f, axis=2) / tf.reduce_sum(weight, axis=2)

    def get_config(self):
        return {**super().get_config(), "filter": self.filter}


class FeaturesDownsamplingLayer(_Resampling):
    __doc__ = _Resampling.__doc__
    __module__ = f"{PACKAGE}.layer.features_downsampling_layer"


class FeaturesUpsamplingLayer(_Resampling):
    __doc__ = _Resampling.__doc__
    __module__ = f"{PACKAGE}.layer.features_upsampling_layer"


class GroupingPointNetLayer(Layer):
    """[X (B, R, 3), F (B, R, D), N (B, R, κ)] → (B, R, dim_out): a PointNet in each neighbourhood."""

    __module__ = f"{PACKAGE}.layer.grouping_point_net_layer"

    def __init__(
        self,
        dim_out,
        H_activation=None,
        H_initializer=None,
        H_regularizer=None,
        H_constraint=None,
        gamma_activation=None,
        gamma_kernel_initializer=None,
        gamma_kernel_regularizer=None,
        gamma_kernel_constraint=None,
        gamma_bias_enabled=True,
        gamma_bias_initializer=None,
        gamma_bias_regularizer=None,
        gamma_bias_constraint=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.dim_out = dim_out
        self.H_activation = keras.activations.get(H_activation)
        self.gamma_activation = keras.activations.get(gamma_activation)
        self.gamma_bias_enabled = gamma_bias_enabled
        given = {key: value for key, value in locals().items() if key.startswith(("H_", "gamma_"))}
        self.H_rules = rules(given, "H_")
        self.gamma_kernel_rules = rules(given, "gamma_kernel_")
        self.gamma_bias_rules = rules(given, "gamma_bias_")
        self.structure_dimensionality = self.feature_dimensionality = None

    def build(self, input_shape):
        self.structure_dimensionality = input_shape[0][-1]
        self.feature_dimensionality = input_shape[1][-1]
        wide = self.structure_dimensionality + self.feature_dimensionality
        self.H_kernel = self._tensor("H_kernel", (self.dim_out, wide), *self.H_rules)
        self.gamma_kernel = self._tensor("gamma_kernel", (self.dim_out, self.dim_out), *self.gamma_kernel_rules)
        if self.gamma_bias_enabled:
            self.gamma_bias = self._tensor("gamma_bias", (self.dim_out,), *self.gamma_bias_rules)
        super().build(input_shape)

    def call(self, inputs, training=False, mask=False):
        x, f, n = inputs
        p = gathered(tf.concat([x, f], axis=-1), n)
        h = self.H_activation(tf.einsum("brjd,od->brjo", p, tf.convert_to_tensor(self.H_kernel)))
        y = tf.einsum("bro,op->brp", tf.reduce_max(h, axis=2), tf.convert_to_tensor(self.gamma_kernel))
        return self.gamma_activation(y + self.gamma_bias if self.gamma_bias_enabled else y)

    def get_config(self):
        return {
            **super().get_config(),
            "dim_out": self.dim_out,
            "H_activation": keras.activations.serialize(self.H_activation),
            **written_rules("H_", self.H_rules),
            "gamma_activation": keras.activations.serialize(self.gamma_activation),
            **written_rules("gamma_kernel_", self.gamma_kernel_rules),
            "gamma_bias_enabled": self.gamma_bias_enabled,
            **written_rules("gamma_bias_", self.gamma_bias_rules),
            "feature_dimensionality": self.feature_dimensionality,
            "structure_dimensionality": self.structure_dimensionality,
        }

    @classmethod
    def from_config(cls, config):
        own = dict(config)
        found = {key: own.pop(key) for key in ("feature_dimensionality", "structure_dimensionality")}
        layer = cls(**own)
        for key, value in found.items():
            setattr(layer, key, value)
        return layer


class FeaturesStructuringLayer(Layer):
    """[X (B, R, 3), F (B, R, D)] → (B, R, D + dim_out), or (B, R, dim_out) if OPAQUE, by way of a structure."""

    __module__ = f"{PACKAGE}.layer.features_structuring_layer"
    BARE = ("QX", "omegaD", "omegaF", "QW")

    def __init__(
        self,
        max_radii,
        radii_resolution=4,
        angular_resolutions=(1, 2, 4, 8),
        structure_dimensionality=3,
        dim_out=4,
        concatenation_strategy="FULL",
        trainable_QX=False,
        trainable_QW=True,
        trainable_omegaD=True,
        trainable_omegaF=True,
        built_QX=False,
        built_omegaD=False,
        built_omegaF=False,
        built_QW=False,
        num_kernel_points=None,
        num_features=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if structure_dimensionality != 3:
            raise ValueError(f"structure_dimensionality must be 3; found {structure_dimensionality}")
        if concatenation_strategy.upper() not in ("FULL", "OPAQUE"):
            raise ValueError(f"concatenation_strategy must be FULL or OPAQUE; found {concatenation_strategy!r}")
        self.max_radii = array(max_radii)
        self.radii_resolution = radii_resolution
        self.angular_resolutions = array(angular_resolutions)
        self.structure_dimensionality = structure_dimensionality
        self.dim_out = dim_out
        self.concatenation_strategy = concatenation_strategy
        self.trainable_QX, self.trainable_QW = trainable_QX, trainable_QW
        self.trainable_omegaD, self.trainable_omegaF = trainable_omegaD, trainable_omegaF
        self.built_QX, self.built_QW = built_QX, built_QW
        self.built_omegaD, self.built_omegaF = built_omegaD, built_omegaF
        self.num_kernel_points, self.num_features = num_kernel_points, num_features

    def build(self, input_shape):
        self.num_features = input_shape[1][-1]
        q = KernelPointStructureInitializer(self.max_radii, self.radii_resolution, self.angular_resolutions)()
        self.num_kernel_points = len(q)
        self.QX = self._bare("QX", q, self.trainable_QX)
        widest = np.full(self.num_kernel_points, self.max_radii.max(), np.float32)
        self.omegaD = self._bare("omegaD", widest, self.trainable_omegaD)
        self.omegaF = self._bare("omegaF", np.ones(self.num_features, np.float32), self.trainable_omegaF)
        w = keras.initializers.GlorotUniform()((self.num_features, self.dim_out), dtype="float32")
        self.QW = self._bare("QW", w, self.trainable_QW)
        self.built_QX = self.built_omegaD = self.built_omegaF = self.built_QW = True
        super().build(input_shape)

    def call(self, inputs, training=False, mask=False):
        x, f = inputs
        q = tf.convert_to_tensor(self.QX)
        e = tf.exp(-squares(x, q) / tf.square(self.omegaD))  # (B, R, K)
        structured = self.omegaF * tf.matmul(e, f, transpose_a=True) / tf.cast(tf.shape(x)[1], f.dtype)
        y = tf.einsum("brk,bkd,do->bro", e, structured, tf.convert_to_tensor(self.QW))
        return y if self.concatenation_strategy.upper() == "OPAQUE" else tf.concat([f, y], axis=-1)

    def get_config(self):
        keys = (
            "max_radii radii_resolution angular_resolutions structure_dimensionality num_kernel_points dim_out "
            "concatenation_strategy num_features trainable_QX built_QX trainable_omegaD built_omegaD trainable_omegaF "
            "built_omegaF trainable_QW built_QW"
        )
        return {**super().get_config(), **{key: getattr(self, key) for key in keys.split()}}


class HourglassLayer(Layer):
    """F (…, D) → (…, Dout) through Dh channels.

    If `regularize`, each call adds a loss, beta times how far W1ᵀW1 is from the identity once scaled.
    spectral_strategy says by what: approx and unsafe by the root of its largest eigenvalue, with and without 1e-5 on
    the diagonal; safe by W1's largest singular value. sigma, sigma2: activations that override activation,
    activation2.
    """

    __module__ = f"{PACKAGE}.layer.hourglass_layer"

    def __init__(
        self,
        Dh,
        Dout,
        activation="ReLU",
        activation2="ReLU",
        regularize=True,
        beta=0.1,
        spectral_strategy="approx",
        W1_initializer=None,
        W1_regularizer=None,
        W1_constraint=None,
        W2_initializer=None,
        W2_regularizer=None,
        W2_constraint=None,
        built_W1=False,
        built_W2=False,
        sigma=None,
        sigma2=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.Dh, self.Dout = Dh, Dout
        self.activation, self.activation2 = activation, activation2
        self.sigma = sigma or _hourglass_activation("activation", activation)
        self.sigma2 = sigma2 or _hourglass_activation("activation2", activation2)
        self.regularize, self.beta = regularize, beta
        self.spectral_strategy = spectral_strategy
        if spectral_strategy is not None and spectral_strategy.lower() not in ("approx", "safe", "unsafe"):
            raise ValueError(f"spectral_strategy must be approx, safe, unsafe or null; found {spectral_strategy!r}")
        given = {key: value for key, value in locals().items() if key.startswith("W")}
        self.W1_rules, self.W2_rules = rules(given, "W1_"), rules(given, "W2_")
        self.built_W1, self.built_W2 = built_W1, built_W2

    def build(self, input_shape):
        self.W1 = self._tensor("W1", (input_shape[-1], self.Dh), *self.W1_rules)
        self.W2 = self._tensor("W2", (self.Dh, self.Dout), *self.W2_rules)
        self.built_W1 = self.built_W2 = True
        super().build(input_shape)

    def call(self, inputs, training=False, mask=False):
        w1, w2 = tf.convert_to_tensor(self.W1), tf.convert_to_tensor(self.W2)
        if self.regularize:
            self.add_loss(self.beta * self._spread(w1))
        return self.sigma2(tf.tensordot(self.sigma(tf.tensordot(inputs, w1, 1)), w2, 1))

    def _spread(self, w1):
        products = tf.matmul(w1, w1, transpose_a=True)
        one = tf.eye(self.Dh)
        strategy = (self.spectral_strategy or "approx").lower()
        if strategy == "safe":
            scale = tf.reduce_max(tf.linalg.svd(w1, compute_uv=False))
        else:
            shifted = products + 1e-5 * one if strategy == "approx" else products
            scale = tf.sqrt(tf.reduce_max(tf.linalg.eigvalsh(shifted)))
        return tf.norm(products / scale - one)

    def get_config(self):
        keys = "Dh Dout activation activation2 regularize beta spectral_strategy".split()
        return {
            **super().get_config(),
            **{key: getattr(self, key) for key in keys},
            **written_rules("W1_", self.W1_rules),
            **written_rules("W2_", self.W2_rules),
        }


def _hourglass_activation(key, name):
    known = {"relu": tf.nn.relu, "identity": tf.identity}
    kind = "identity" if name is None else name.lower()
    if kind not in known:
        raise ValueError(f"{key} must be ReLU, identity or null; found {name!r}")
    return known[kind]
