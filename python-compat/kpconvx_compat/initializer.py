"""Kernel points on concentric spheres, spread out as repelling charges.

Thomas et al., "KPConvX: Modernizing Kernel Point Convolution with Kernel Attention" (arXiv:2405.13194), place
kernel points on spherical shells. Here each shell starts as a Fibonacci lattice and all shells together relax to a
minimum of the Coulomb energy, with every point held to its shell's radius.
"""

import numpy as np
import tensorflow as tf

from kpconvx_compat.backend import keras

GRADIENT_TOLERANCE = 1e-13
MAX_ITERATIONS = 20_000
MAX_STEP = 0.5
ARMIJO = 1e-4
ENERGY_NOISE = 1e-14
MAX_HALVINGS = 40
SAME_RADIUS = 0.01


def energy(points):
    """Coulomb energy of unit charges, each pair counted once (as the Thomson problem does).

    points: (n, 3), any length unit. Returns a float in reciprocal length units; infinite if two points coincide.
    """
    points = np.asarray(points, np.float64)
    first, second = np.triu_indices(len(points), 1)
    distances = np.linalg.norm(points[first] - points[second], axis=1)
    with np.errstate(divide="ignore"):
        return float(np.sum(1.0 / distances))


def fibonacci_directions(n):
    """The Fibonacci lattice that a shell starts from: (n, 3) unit vectors, the first at the north pole."""
    k = np.arange(n, dtype=np.float64)
    alpha = 4.0 * np.pi * k / (1.0 + np.sqrt(5.0))
    beta = np.arccos(1.0 - 2.0 * k / n)
    return np.stack([np.cos(alpha) * np.sin(beta), np.sin(alpha) * np.sin(beta), np.cos(beta)], axis=1)


def shell_points(radii, points_per_shell):
    """Kernel points of least Coulomb energy on concentric spheres.

    radii: radius of each shell, >= 0, in any length unit; points_per_shell: how many points each holds, >= 1, and
    exactly one where the radius is 0 (that point is fixed at the origin). Returns (m, 3) float64, shell after shell.
    Raises ValueError where these bounds are not met.

    The minimiser is unique up to a rotation only, so another implementation agrees with this one only if it takes
    the same path. The path, all in float64, with lengths in units of the largest radius:

    1. Start. The directions u of a shell with n points are `fibonacci_directions(n)`. From two kinds of start no
       descent can succeed: two shells of the same radius have coincident points, and where no shell has more than
       two points all points lie in one plane, which forces within the plane never leave. So if two radii above 0
       differ by no more than SAME_RADIUS times the larger, or if no shell has more than two points, the directions
       of all points with a radius above 0 are instead those of one lattice: fibonacci_directions(their number), in
       order.
    2. Gradient. With q = r·u, q = 0 for the centre, and e = Σ_{k<l} 1/‖q_k − q_l‖, the gradient with respect to u_k
       is s_k = −r_k Σ_l (q_k − q_l)/‖q_k − q_l‖³, and g_k = s_k − (s_k·u_k) u_k is its tangent part. The centre acts
       on no tangent part, but is kept in the sums. Stop as soon as ‖g‖ <= GRADIENT_TOLERANCE · max(1, e), ‖g‖² being
       the sum over all points.
    3. Direction. d = −g in the first step. Later, with g' and d' of the step before made tangent at the new points
       (x − (x·u) u), d = −g + β d' with Polak and Ribière's β = max(0, g·(g − g') / ‖previous g‖²). If d·g >= 0,
       d = −g.
    4. Step. Along u(t) = (u + t d)/‖u + t d‖ (each point) the energy has the slope d·g and, at t = 0, the curvature
       c = Σ_{k<l} (3 (z·w)²/‖z‖⁵ − ‖w‖²/‖z‖³) − Σ_k (s_k·u_k) ‖d_k‖², where z = q_k − q_l, w = r_k d_k − r_l d_l.
       t is Newton's −d·g / c if c > 0 and otherwise unlimited, but at most MAX_STEP / max_k ‖d_k‖. While
       e(t) > e(0) + ARMIJO · t · d·g + ENERGY_NOISE · e(0), halve t; after MAX_HALVINGS halvings stop where u is.
       The last term lets rounding pass, so that near the minimum Newton's step alone decides.
    5. At most MAX_ITERATIONS steps.
    """
    radii, counts = checked_shells(radii, points_per_shell)
    unit = radii.max()
    if unit == 0:
        return np.zeros((1, 3))
    r = np.repeat(radii / unit, counts)[:, None]
    u = _start(radii, counts)
    e, s = _energy_and_slope(u, r)
    g = _tangent(s, u)
    d = -g
    for _ in range(MAX_ITERATIONS):
        if np.sqrt(np.sum(g * g)) <= GRADIENT_TOLERANCE * max(1.0, e):
            break
        step = _step(u, r, e, s, g, d)
        if step is None:
            break
        old_u, old_g = u, g
        u, e, s = step
        g = _tangent(s, u)
        beta = max(0.0, np.sum(g * (g - _tangent(old_g, u))) / np.sum(old_g * old_g))
        d = -g + beta * _tangent(d, u)
        if np.sum(d * g) >= 0:
            d = -g
    return u * r * unit


def checked_shells(radii, points_per_shell, names=("radii", "points_per_shell")):
    """Both as arrays, float64 and integers. Raises ValueError, with these names, where `shell_points` says so."""
    found = f"found {names[0]}={_listed(radii)} and {names[1]}={_listed(points_per_shell)}"
    try:
        radii, counts = np.asarray(radii, np.float64), np.asarray(points_per_shell)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{names[0]} must be numbers; {found}") from error
    if radii.ndim != 1 or radii.size == 0 or radii.shape != counts.shape:
        raise ValueError(f"{names[0]} and {names[1]} must be lists of the same length, at least 1; {found}")
    if not np.all(np.isfinite(radii)) or np.any(radii < 0):
        raise ValueError(f"{names[0]} must be finite and >= 0; {found}")
    if not np.issubdtype(counts.dtype, np.integer) or np.any(counts < 1):
        raise ValueError(f"{names[1]} must be integers >= 1; {found}")
    if np.any(counts[radii == 0] != 1):
        raise ValueError(f"a shell of radius 0 has exactly one point; {found}")
    if np.count_nonzero(radii == 0) > 1:
        raise ValueError(f"at most one shell can have radius 0, or its points coincide; {found}")
    return radii, counts


def _listed(values):
    return values.tolist() if isinstance(values, np.ndarray) else values


def _start(radii, counts):
    outer = radii > 0
    ordered = np.sort(radii[outer])
    crowded = np.any(ordered[1:] - ordered[:-1] <= SAME_RADIUS * ordered[1:])
    if crowded or counts.max() <= 2:
        directions = np.zeros((counts.sum(), 3))
        directions[np.repeat(outer, counts)] = fibonacci_directions(counts[outer].sum())
        return directions
    return np.concatenate([fibonacci_directions(n) if o else np.zeros((1, 3)) for n, o in zip(counts, outer)])


def _tangent(x, u):
    return x - np.sum(x * u, axis=1, keepdims=True) * u


def _differences(points):
    """All q_k − q_l (n, n, 3) and 1/‖q_k − q_l‖ (n, n) with zeros on its diagonal."""
    z = points[:, None, :] - points[None, :, :]
    square = np.sum(z * z, axis=2)
    np.fill_diagonal(square, np.inf)
    with np.errstate(divide="ignore"):
        return z, 1.0 / np.sqrt(square)


def _energy_and_slope(u, r):
    z, inverse = _differences(u * r)
    return 0.5 * np.sum(inverse), -r * np.sum(z * inverse[:, :, None] ** 3, axis=1)


def _step(u, r, e, s, g, d):
    """One line search from u along d: the new (u, e, s), or None where no step lowers the energy."""
    slope = np.sum(d * g)
    squares = np.sum(d * d, axis=1)
    t = MAX_STEP / np.sqrt(squares.max())
    curvature = _curvature(u, r, s, d, squares)
    if curvature > 0:
        t = min(t, -slope / curvature)
    for _ in range(MAX_HALVINGS + 1):
        moved = u + t * d
        length = np.linalg.norm(moved, axis=1, keepdims=True)
        moved = moved / np.where(length > 0, length, 1.0)
        moved_e, moved_s = _energy_and_slope(moved, r)
        if moved_e <= e + ARMIJO * t * slope + ENERGY_NOISE * e:
            return moved, moved_e, moved_s
        t *= 0.5
    return None


def _curvature(u, r, s, d, squares):
    z, inverse = _differences(u * r)
    w = (r * d)[:, None, :] - (r * d)[None, :, :]
    along = 3.0 * np.sum(z * w, axis=2) ** 2 * inverse**5
    across = np.sum(w * w, axis=2) * inverse**3
    return 0.5 * np.sum(along - across) - np.sum(np.sum(s * u, axis=1) * squares)


@keras.utils.register_keras_serializable(package="kpconvx")
class FibonacciShellInitializer(keras.initializers.Initializer):
    """Initial kernel points Q of a KPConvX layer, (m_q, 3), m_q the sum of `points_per_shell`.

    shells: number of shells. radii: radius of each, >= 0, in the unit of the layer's coordinates.
    points_per_shell: points on each, >= 1, exactly one where the radius is 0. deformable: whether Q will be
    trainable; carried along, no effect on the values. Deterministic; how is told at `shell_points`.
    """

    def __init__(self, shells=3, radii=(0, 0.5, 1.0), points_per_shell=(1, 7, 13), deformable=False):
        checked_shells(radii, points_per_shell)
        if shells != len(radii):
            raise ValueError(f"shells must be the number of radii; found shells={shells} and {len(radii)} radii")
        self.shells = shells
        self.radii = [float(r) for r in radii]
        self.points_per_shell = [int(n) for n in points_per_shell]
        self.deformable = deformable

    def __call__(self, shape=None, dtype=None):
        """The kernel points as a tensor of `dtype` (default: Keras's floatx). A shape other than (m_q, 3) is an
        error."""
        expected = (sum(self.points_per_shell), 3)
        if shape is not None and tuple(shape) != expected:
            raise ValueError(f"the shape of these kernel points is {expected}; found {tuple(shape)}")
        points = shell_points(self.radii, self.points_per_shell)
        return tf.convert_to_tensor(points, dtype or keras.backend.floatx())

    def get_config(self):
        """The constructor's arguments."""
        return {
            "shells": self.shells,
            "radii": self.radii,
            "points_per_shell": self.points_per_shell,
            "deformable": self.deformable,
        }
