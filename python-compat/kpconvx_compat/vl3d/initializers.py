"""First values of kernel points: in a ball, or on concentric figures."""

import math

import numpy as np
import tensorflow as tf
from scipy.optimize import minimize

from kpconvx_compat.backend import keras


class KernelPointBallInitializer(keras.initializers.Initializer):
    """Kernel points Q (num_points, 3) that fill a ball of target_radius, the first one at its centre.

    The others start anywhere in a cube, as NumPy's global generator has it, and repel each other while the centre of
    the ball attracts them, until they rest; hence they differ with every call. `deformable` is carried along.
    """

    __module__ = "src.model.deeplearn.layer.kernel_point_ball_initializer"

    def __init__(self, target_radius=1.0, num_points=19, deformable=False):
        self.target_radius, self.num_points, self.deformable = target_radius, num_points, deformable

    def __call__(self, shape=None, dtype="float32"):
        outer = self.num_points - 1
        if outer == 0:
            return tf.zeros((1, 3), dtype)
        q = minimize(_ball_energy, np.random.uniform(-1.0, 1.0, 3 * outer), jac=True, method="CG").x.reshape(outer, 3)
        q *= self.target_radius / np.linalg.norm(q, axis=1).max()
        return tf.convert_to_tensor(np.concatenate([np.zeros((1, 3)), q]), dtype)

    def get_config(self):
        return {
            "target_radius": self.target_radius,
            "num_points": self.num_points,
            "deformable": self.deformable,
        }


def _ball_energy(flat):
    """Σ_i ‖q_i‖² + Σ_i Σ_{j≠i} 1/‖q_i − q_j‖ and its gradient."""
    q = flat.reshape(-1, 3)
    z = q[:, None] - q[None]
    distance = np.linalg.norm(z, axis=-1)
    np.fill_diagonal(distance, np.inf)
    gradient = 2.0 * q - 2.0 * np.sum(z / distance[..., None] ** 3, axis=1)
    return np.sum(q * q) + np.sum(1.0 / distance), gradient.ravel()


class KernelPointStructureInitializer(keras.initializers.Initializer):
    """Kernel points Q (K, 3) on concentric figures, the origin first.

    max_radii: three radii of the outermost figure. radii_resolution: n, how many figures, the origin among them.
    angular_resolutions: n numbers that say how finely each is sampled, the first one 1. initialization_type:
    concentric_ellipsoids, concentric_grids, concentric_rectangulars, concentric_cylinders, cone or zeros.
    """

    __module__ = "src.model.deeplearn.layer.kernel_point_structure_initializer"

    def __init__(
        self,
        max_radii,
        radii_resolution=4,
        angular_resolutions=(1, 2, 4, 8),
        initialization_type="concentric_ellipsoids",
        trainable=True,
    ):
        self.max_radii = np.asarray(max_radii, np.float64)
        self.radii_resolution = radii_resolution
        self.angular_resolutions = np.asarray(angular_resolutions)
        self.initialization_type = initialization_type
        self.trainable = trainable

    def points(self):
        """Q in float64."""
        n, resolutions = self.radii_resolution, [int(m) for m in self.angular_resolutions]
        if len(resolutions) != n or resolutions[0] != 1:
            raise ValueError(
                f"angular_resolutions must be radii_resolution={n} numbers, the first one 1; found {resolutions}"
            )
        kind = self.initialization_type.lower()
        if kind == "zeros":
            return np.zeros((sum(m * m for m in resolutions), 3))
        if kind not in _FIGURES:
            raise ValueError(f"initialization_type must be one of {[*_FIGURES, 'zeros']}; found {kind!r}")
        if kind == "cone" and n != 2:
            raise ValueError(f"a cone needs radii_resolution=2; found {n}")
        found = [(0.0, 0.0, 0.0)]
        for k in range(1, n):
            found.extend(_FIGURES[kind](k / (n - 1) * self.max_radii, resolutions[k]))
        return np.array(found)

    def __call__(self, shape=None, dtype="float32"):
        return tf.convert_to_tensor(self.points(), dtype)

    def get_config(self):
        return {
            "max_radii": self.max_radii,
            "radii_resolution": self.radii_resolution,
            "angular_resolutions": self.angular_resolutions,
            "initialization_type": self.initialization_type,
            "trainable": self.trainable,
        }


def _ellipsoid(r, m):
    for alpha in (i * math.pi / m for i in range(m)):
        for beta in (2.0 * math.pi * j / m for j in range(m)):
            direction = (math.sin(alpha) * math.cos(beta), math.sin(alpha) * math.sin(beta), math.cos(alpha))
            yield r * direction


def _grid(r, m):
    x, y, z = (np.linspace(-radius, radius, m) for radius in r)
    return [(a, b, c) for a in x for b in y for c in z]


def _shell(r, m):
    x, y, z = (np.linspace(-radius, radius, m) for radius in r)
    return [
        *((a, b, c) for a in (x[0], x[-1]) for b in y for c in z),
        *((a, b, c) for b in (y[0], y[-1]) for a in x[1:-1] for c in z),
        *((a, b, c) for a in x[1:-1] for b in y[1:-1] for c in (z[0], z[-1])),
    ]


def _circle(rx, ry, z, count):
    return [(rx * math.cos(t), ry * math.sin(t), z) for t in (2.0 * math.pi * s / count for s in range(count))]


def _cylinder(r, m):
    rx, ry, rz = r
    return [point for z in np.linspace(-rz, rz, m) for point in _circle(rx, ry, z, math.ceil(m * max(rx, ry)))]


def _cone(r, m):
    rx, ry, rz = r
    found = []
    for z in np.linspace(-rz, rz, m):
        share = abs(z) / rz
        found.extend(_circle(share * rx, share * ry, z, math.ceil(m * share)))
    return found


_FIGURES = {
    "concentric_ellipsoids": _ellipsoid,
    "concentric_grids": _grid,
    "concentric_rectangulars": _shell,
    "concentric_cylinders": _cylinder,
    "cone": _cone,
}
