"""Radial basis functions, of coordinates and of features."""

import numpy as np
import tensorflow as tf

from kpconvx_compat.vl3d.common import PACKAGE, Layer, array, root, squares
from kpconvx_compat.vl3d.initializers import KernelPointStructureInitializer


class RBFFeatExtractLayer(Layer):
    """X (B, R, 3) → (B, R, K), a radial basis function of X for each of K kernel points."""

    __module__ = f"{PACKAGE}.layer.rbf_feat_extract_layer"
    BARE = ("Q", "omega")

    def __init__(
        self,
        max_radii,
        radii_resolution=4,
        angular_resolutions=(1, 2, 4, 8),
        kernel_function_type="Gaussian",
        structure_initialization_type="concentric_ellipsoids",
        structure_dimensionality=3,
        trainable_Q=True,
        trainable_omega=True,
        built_Q=False,
        built_omega=False,
        num_kernel_points=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if kernel_function_type.lower() not in ("gaussian", "markov"):
            raise ValueError(f"kernel_function_type must be Gaussian or Markov; found {kernel_function_type!r}")
        self.structure_initialization_type = structure_initialization_type
        self.max_radii = array(max_radii)
        self.radii_resolution = radii_resolution
        self.angular_resolutions = array(angular_resolutions)
        self.kernel_function_type = kernel_function_type
        self.structure_dimensionality = structure_dimensionality
        self.num_kernel_points = num_kernel_points
        self.trainable_Q, self.built_Q = trainable_Q, built_Q
        self.trainable_omega, self.built_omega = trainable_omega, built_omega

    def build(self, input_shape):
        q = KernelPointStructureInitializer(
            self.max_radii, self.radii_resolution, self.angular_resolutions, self.structure_initialization_type
        )()
        self.num_kernel_points = len(q)
        self.Q = self._bare("Q", q, self.trainable_Q)
        omega = self.max_radii.max() * np.random.uniform(0.01, 1.0, self.num_kernel_points)
        self.omega = self._bare("omega", omega, self.trainable_omega)
        self.built_Q = self.built_omega = True
        super().build(input_shape)

    def call(self, inputs, training=False, mask=False):
        d = squares(inputs, tf.convert_to_tensor(self.Q))
        d = root(d) if self.kernel_function_type.lower() == "markov" else d
        return tf.exp(-d / tf.square(self.omega))

    def get_config(self):
        keys = (
            "structure_initialization_type max_radii radii_resolution angular_resolutions kernel_function_type "
            "structure_dimensionality num_kernel_points trainable_Q built_Q trainable_omega built_omega"
        )
        return {**super().get_config(), **{key: getattr(self, key) for key in keys.split()}}


class RBFFeatProcessingLayer(Layer):
    """F (B, R, D) → (B, R, D·num_kernels), for each feature a radial basis function around num_kernels values."""

    __module__ = f"{PACKAGE}.layer.rbf_feat_processing_layer"
    BARE = ("M", "Omega")

    def __init__(
        self,
        num_kernels,
        means,
        stdevs,
        a=0.01,
        b=1,
        kernel_function_type="Gaussian",
        trainable_M=True,
        trainable_Omega=True,
        built_M=False,
        built_Omega=False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if kernel_function_type.lower() != "gaussian":
            raise ValueError(f"kernel_function_type must be Gaussian; found {kernel_function_type!r}")
        self.means, self.stdevs = array(means), array(stdevs)
        self.num_kernels = num_kernels
        self.a, self.b = a, b
        self.kernel_function_type = kernel_function_type
        self.trainable_M, self.built_M = trainable_M, built_M
        self.trainable_Omega, self.built_Omega = trainable_Omega, built_Omega

    def build(self, input_shape):
        m = np.linspace(self.means - 3 * self.stdevs, self.means + 3 * self.stdevs, self.num_kernels)
        self.M = self._bare("M", m, self.trainable_M)
        omega = self.a + self.stdevs * (self.b + np.random.uniform(-self.b, self.b, m.shape))
        self.Omega = self._bare("Omega", omega, self.trainable_Omega)
        self.built_M = True  # built_Omega stays false, as in the original
        super().build(input_shape)

    def call(self, inputs, training=False, mask=False):
        m, omega = tf.transpose(self.M), tf.transpose(self.Omega)
        y = tf.exp(-tf.square((inputs[..., None] - m) / omega))
        return tf.reshape(y, tf.concat([tf.shape(inputs)[:-1], [len(self.means) * self.num_kernels]], axis=0))

    def get_config(self):
        keys = "means stdevs num_kernels a b kernel_function_type trainable_M built_M trainable_Omega built_Omega"
        return {**super().get_config(), **{key: getattr(self, key) for key in keys.split()}}
