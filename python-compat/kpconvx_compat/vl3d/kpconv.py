"""The convolutions on kernel points: KPConv and the light one, each on one cloud or from one to a coarser one."""

import tensorflow as tf

from kpconvx_compat.vl3d.common import PACKAGE, Layer, differences, gathered, root, rules, squares, written_rules
from kpconvx_compat.vl3d.initializers import KernelPointBallInitializer


class _KernelPoints(Layer):
    """Kernel points Q (num_kernel_points, 3) in a ball of kernel_radius, which reach as far as sigma.

    They are trainable iff deformable.
    """

    BARE = ("Q",)

    def __init__(
        self,
        sigma=1.0,
        kernel_radius=1.0,
        num_kernel_points=19,
        deformable=False,
        Dout=320,
        W_initializer=None,
        W_regularizer=None,
        W_constraint=None,
        built_Q=False,
        built_W=False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.sigma = sigma
        self.kernel_radius = kernel_radius
        self.num_kernel_points = num_kernel_points
        self.deformable = deformable
        self.Dout = Dout
        given = {"initializer": W_initializer, "regularizer": W_regularizer, "constraint": W_constraint}
        self.W_rules = rules(given, "")
        self.built_Q, self.built_W = built_Q, built_W
        self.Q_initializer = KernelPointBallInitializer(kernel_radius, num_kernel_points, deformable)

    def build(self, input_shape):
        features = input_shape[-2][-1]
        self.Q = self._bare("Q", self.Q_initializer(), self.deformable)
        self.W = self._tensor("W", self._shape_of_W(features), *self.W_rules)
        self._build_more(features)
        self.built_Q = self.built_W = True
        super().build(input_shape)

    def _shape_of_W(self, features):
        return (self.num_kernel_points, features, self.Dout)

    def _build_more(self, features):
        """Makes what a kind of convolution has besides Q and W."""

    def call(self, inputs, training=False, mask=False):
        *points, f, n = inputs
        # The first points have the features, the last ones get them; on one cloud they are the same.
        y = differences(points[0], points[-1], n)
        q = tf.convert_to_tensor(self.Q)
        h = tf.maximum(1.0 - root(squares(y, q)) / self.sigma, 0.0)
        return self._convolved(h, gathered(f, n))

    def _convolved(self, h, f):
        """(B, R_b, Dout) from influences h (B, R_b, κ, K) and neighbours' features f (B, R_b, κ, D)."""
        by_point = tf.matmul(h, f, transpose_a=True)
        return tf.einsum("brkd,kdo->bro", by_point, tf.convert_to_tensor(self.W))

    def get_config(self):
        return {
            **super().get_config(),
            "sigma": self.sigma,
            "kernel_radius": self.kernel_radius,
            "num_kernel_points": self.num_kernel_points,
            "deformable": self.deformable,
            "Dout": self.Dout,
            **written_rules("W_", self.W_rules),
        }


class KPConvLayer(_KernelPoints):
    """[X (B, R, 3), F (B, R, D), N (B, R, κ)] → (B, R, Dout)."""

    __module__ = f"{PACKAGE}.layer.kpconv_layer"


class StridedKPConvLayer(_KernelPoints):
    """[Xa (B, R_a, 3), Xb (B, R_b, 3), F (B, R_a, D), ND (B, R_b, κ)] → (B, R_b, Dout)."""

    __module__ = f"{PACKAGE}.layer.strided_kpconv_layer"


class _LightKernelPoints(_KernelPoints):
    """Kernel points that weigh the channels by A (num_kernel_points, D), before one W (D, Dout) for all."""

    def __init__(
        self,
        A_trainable=True,
        A_initializer="ones",
        A_regularizer=None,
        A_constraint=None,
        built_A=False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.A_trainable = A_trainable
        given = {"initializer": A_initializer, "regularizer": A_regularizer, "constraint": A_constraint}
        self.A_rules = rules(given, "")
        self.built_A = built_A

    def _shape_of_W(self, features):
        return (features, self.Dout)

    def _build_more(self, features):
        shape = (self.num_kernel_points, features)
        self.A = self._tensor("A", shape, *self.A_rules, trainable=self.A_trainable)
        self.built_A = True

    def _convolved(self, h, f):
        scales = tf.einsum("brjk,kd->brjd", h, tf.convert_to_tensor(self.A))
        return tf.einsum("brd,do->bro", tf.reduce_sum(scales * f, axis=2), tf.convert_to_tensor(self.W))

    def get_config(self):
        return {**super().get_config(), "A_trainable": self.A_trainable, **written_rules("A_", self.A_rules)}


class LightKPConvLayer(_LightKernelPoints):
    """[X (B, R, 3), F (B, R, D), N (B, R, κ)] → (B, R, Dout)."""

    __module__ = f"{PACKAGE}.layer.light_kpconv_layer"


class StridedLightKPConvLayer(_LightKernelPoints):
    """[Xa (B, R_a, 3), Xb (B, R_b, 3), F (B, R_a, D), ND (B, R_b, κ)] → (B, R_b, Dout)."""

    __module__ = f"{PACKAGE}.layer.strided_light_kpconv_layer"
