"""Masks that are made, carried on and used, and the attention that takes a list."""

import numpy as np

from kpconvx_compat.backend import KERAS_2, keras
from kpconvx_compat.core.attention import softmax
from kpconvx_compat.core.case import BATCH, OF_BOTH, Case, Input, floats

L = keras.layers


def gaps(*shape):
    """Numbers, where some elements have all features 0, though not the first."""

    def draw(rng):
        x = rng.uniform(-1.5, 1.5, (BATCH, *shape))
        x[:, 1::3] = 0
        x[1, -1] = 0
        return x.astype(np.float32)

    return Input((None, *shape[1:]), "float32", draw)


def shown(x):
    return np.any(x != 0, axis=-1)


def mean(x, mask):
    return (x * mask[..., None]).sum(1) / mask.sum(1)[:, None]


def carried(x):
    """Through layers that pass a mask on, and a nested model."""
    x = L.Masking()(x)
    x = L.PReLU(shared_axes=[1])(L.LeakyReLU(0.5)(L.Dense(3)(x)))
    given = keras.Input((None, 3))
    x = keras.Model(given, L.Activation("tanh")(given), name="nested")(x)
    return L.GlobalAveragePooling1D()(x)


def carried_oracle(x, kernel, bias, alpha):
    mask = shown(x)
    y = x @ kernel + bias
    y = np.where(y > 0, y, 0.5 * y)
    y = np.where(y > 0, y, alpha * y)
    return mean(np.tanh(y), mask)


def joined(x, y):
    both = L.Concatenate(axis=-1)([L.Masking()(x), L.Masking(0.0)(y)])
    return L.GlobalAveragePooling1D()(both)


def joined_oracle(x, y):
    mask = shown(x) & shown(y) if KERAS_2 else shown(x) | shown(y)
    return mean(np.concatenate([x, y], -1), mask)


def stopped(x):
    """A layer that does not pass a mask on."""
    return L.GlobalAveragePooling1D()(L.EinsumDense("abc,cd->abd", (None, 2))(L.Masking()(x)))


def attention_masks(q, v):
    q = L.Masking()(q)
    return L.MultiHeadAttention(2, 3)(q, L.Masking()(v))


def attention_masks_oracle(q, v, wq, bq, wk, bk, wv, bv, wo, bo):
    from kpconvx_compat.core import attention as a

    y, _ = a.attend(a.heads(q, wq, bq), a.heads(v, wk, bk), a.heads(v, wv, bv), (shown(q)[..., None] & shown(v)[:, None])[:, None])
    return a.joined(y, wo, bo)


def attended(scores, v, mask=None):
    weights = softmax(scores if mask is None else np.where(mask, scores, -1e9))
    return weights @ v, weights


def dot_oracle(q, v, k, scale):
    return list(attended(scale * q @ k.swapaxes(1, 2), v))


def concat_oracle(q, v, scale, weight):
    scores = weight * np.tanh(scale * (q[:, :, None] + v[:, None])).sum(-1)
    y, _ = attended(scores, v, np.tri(q.shape[1], v.shape[1], dtype=bool) & shown(v)[:, None])
    return y * shown(q)[..., None]


def additive_oracle(q, v, scale):
    return attended((scale * np.tanh(q[:, :, None] + v[:, None])).sum(-1), v)[0]


CASES = [
    Case("masking", {"x": gaps(7, 4)}, lambda x: L.Masking()(x), lambda x: x),
    Case("masking_value", {"x": floats(7, 4)}, lambda x: L.Masking(mask_value=0.5)(x), lambda x: x),
    Case("masking_carried", {"x": gaps(7, 4)}, carried, carried_oracle),
    Case("masking_concatenate", {"x": gaps(7, 4), "y": floats(7, 2)}, joined, joined_oracle, ("2.15",)),
    Case("masking_stopped", {"x": gaps(7, 4)}, stopped, lambda x, kernel: (x @ kernel).mean(1)),
    Case("masking_attention", {"q": gaps(5, 4), "v": gaps(7, 4)}, attention_masks, attention_masks_oracle),
    Case(
        "attention",
        {"q": floats(5, 4), "v": floats(7, 3), "k": floats(7, 4)},
        lambda q, v, k: list(L.Attention(use_scale=True, dropout=0.2)([q, v, k], return_attention_scores=True)),
        dot_oracle,
        versions=OF_BOTH,
    ),
    Case(
        "attention_concat",
        {"q": gaps(5, 4), "v": gaps(7, 4)},
        lambda q, v: L.Attention(use_scale=True, score_mode="concat")(
            [L.Masking()(q), L.Masking()(v)], use_causal_mask=True
        ),
        concat_oracle,
        versions=OF_BOTH,
    ),
    Case("additive_attention", {"q": floats(5, 4), "v": floats(7, 4)}, lambda q, v: L.AdditiveAttention()([q, v]), additive_oracle),
    Case(
        "additive_attention_unscaled",
        {"q": floats(5, 4), "v": floats(7, 4)},
        lambda q, v: L.AdditiveAttention(use_scale=False)([q, v]),
        lambda q, v: additive_oracle(q, v, 1.0),
    ),
]
