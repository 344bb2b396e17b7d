"""Operations of keras.ops on each element, and those that only some versions of Keras have."""

import math

import numpy as np

from kpconvx_compat.core.case import Case, floats, integers
from kpconvx_compat.core.operations import X, case, ops

_erf = np.vectorize(math.erf)


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def newest(name, inputs, layers, oracle, **more):
    return Case(f"operations_{name}", inputs, layers, oracle, versions=("3.15",), **more)


SMALL = {"x": floats(5, 4, low=-0.9, high=0.9)}
LARGE = {"x": floats(5, 4, low=1.1, high=3.0)}
TWO = {"x": floats(5, 4), "y": floats(5, 4, low=0.5)}

CASES = [
    case(
        "trigonometry",
        SMALL,
        lambda x: [
            ops.sin(x), ops.cos(x), ops.tan(x), ops.arcsin(x), ops.arccos(x), ops.arctan(x),
            ops.sinh(x), ops.cosh(x), ops.tanh(x), ops.arcsinh(x), ops.arctanh(x), ops.arctan2(x, x + 2),
        ],
        lambda x: [
            np.sin(x), np.cos(x), np.tan(x), np.arcsin(x), np.arccos(x), np.arctan(x),
            np.sinh(x), np.cosh(x), np.tanh(x), np.arcsinh(x), np.arctanh(x), np.arctan2(x, x + 2),
        ],
    ),
    case(
        "powers",
        LARGE,
        lambda x: [
            ops.arccosh(x), ops.log(x), ops.log2(x), ops.log10(x), ops.log1p(x), ops.exp(x), ops.expm1(x),
            ops.rsqrt(x), ops.square(x), ops.reciprocal(x), ops.logaddexp(x, x - 1), ops.divide(x, 3),
            ops.divide_no_nan(x, ops.subtract(x, x)),
        ],
        lambda x: [
            np.arccosh(x), np.log(x), np.log2(x), np.log10(x), np.log1p(x), np.exp(x), np.expm1(x),
            x**-0.5, x**2, 1 / x, np.logaddexp(x, x - 1), x / 3, 0 * x,
        ],
    ),
    case(
        "roundings",
        X,
        lambda x: [
            ops.ceil(x), ops.floor(x), ops.round(x, 1), ops.trunc(x), ops.sign(x), ops.copy(x), ops.stop_gradient(x),
            ops.erf(x), ops.erfinv(x / 2), ops.isnan(x), ops.isinf(x), ops.isfinite(x), ops.nan_to_num(x),
        ],
        lambda x: [
            np.ceil(x), np.floor(x), np.round(x, 1), np.trunc(x), np.sign(x), x, x,
            _erf(x), np.vectorize(_erfinv)(x / 2), np.isnan(x), np.isinf(x), np.isfinite(x), x,
        ],
    ),
    case(
        "bits",
        {"i": integers(60, 4, low=-4), "j": integers(5, 4)},
        lambda i, j: [
            ops.bitwise_and(i, j), ops.bitwise_or(i, j), ops.bitwise_xor(i, j), ops.bitwise_not(i),
            ops.bitwise_left_shift(i, j), ops.bitwise_right_shift(i, j), ops.left_shift(i, j), ops.right_shift(i, j),
            ops.bitwise_invert(i),
        ],
        lambda i, j: [i & j, i | j, i ^ j, ~i, i << j, i >> j, i << j, i >> j, ~i],
        differentiable=False,
    ),
    case(
        "rectifiers",
        X,
        lambda x: [
            ops.relu6(x), ops.selu(x), ops.softsign(x), ops.hard_sigmoid(x), ops.hard_silu(x), ops.log_sigmoid(x),
            ops.elu(x, alpha=0.7), ops.amin(x, axis=1), ops.slice(x, (0, 1, 0), (2, 3, 4)), ops.cumprod(x, axis=1),
        ],
        lambda x: [
            np.clip(x, 0, 6),
            1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(x)),
            x / (1 + np.abs(x)),
            np.clip(x / 6 + 0.5, 0, 1),
            x * np.clip(x / 6 + 0.5, 0, 1),
            np.log(_sigmoid(x)),
            np.where(x > 0, x, 0.7 * np.expm1(x)),
            x.min(1),
            x[:, 1:4],
            np.cumprod(x, 1),
        ],
    ),
    newest(
        "of_late",
        TWO,
        lambda x, y: [
            ops.array_split(x, 2, axis=-1)[0], ops.dstack([x, y]), ops.erfc(x), ops.exp2(x), ops.fabs(x), ops.fliplr(x),
            ops.flipud(x), ops.hard_tanh(x), ops.hypot(x, y), ops.ptp(x, axis=1), ops.sparse_plus(x),
            ops.sparse_sigmoid(x), ops.squareplus(x, b=3), ops.tanh_shrink(x),
            ops.hard_shrink(x, threshold=0.4), ops.soft_shrink(x, threshold=0.4), ops.threshold(x, 0.4, -1.0),
            ops.convert_to_tensor(x), ops.celu(x, alpha=0.7), ops.glu(x),
        ],
        lambda x, y: [
            x[..., :2], np.dstack([x, y]), 1 - _erf(x), 2**x, np.abs(x), x[:, ::-1],
            x[::-1], np.clip(x, -1, 1), np.hypot(x, y), np.ptp(x, 1),
            np.where(x <= -1, 0, np.where(x < 1, (x + 1) ** 2 / 4, x)),
            np.clip((x + 1) / 2, 0, 1), (x + np.sqrt(x**2 + 3)) / 2, x - np.tanh(x),
            np.where(np.abs(x) > 0.4, x, 0), np.sign(x) * np.maximum(np.abs(x) - 0.4, 0), np.where(x > 0.4, x, -1), x,
            np.where(x > 0, x, 0.7 * np.expm1(x / 0.7)), x[..., :2] * _sigmoid(x[..., 2:]),
        ],
    ),
]


def _erfinv(y):
    """By Newton's method."""
    x = 0.0
    for _ in range(60):
        x -= (math.erf(x) - y) / (2 / math.sqrt(math.pi) * math.exp(-x * x))
    return x
