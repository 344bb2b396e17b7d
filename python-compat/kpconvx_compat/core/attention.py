"""Layers that project with einsum and that attend."""

import numpy as np

from kpconvx_compat.backend import keras
from kpconvx_compat.core.case import BATCH, KERAS_3, VERSION, Case, Input, floats

L = keras.layers
R = keras.regularizers


def softmax(x, axes=-1):
    powers = np.exp(x - x.max(axes, keepdims=True))
    return powers / powers.sum(axes, keepdims=True)


def masked_softmax(x, mask, fused):
    """Where nothing is let through, Keras's versions differ: equal weights, or 0 from 3.13 on unless it is fused."""
    weights = softmax(np.where(mask, x, -1e9))
    return weights if fused or VERSION != "3.15" else weights * mask


def attend(q, k, v, mask=None, fused=True):
    """Heads: q (B, T, N, H), k (B, S, N, H), v (B, S, N, V)."""
    scores = np.einsum("btnh,bsnh->bnts", q, k) / np.sqrt(q.shape[-1])
    scores = softmax(scores) if mask is None else masked_softmax(scores, mask, fused)
    return np.einsum("bnts,bsnv->btnv", scores, v), scores


def heads(x, kernel, bias=0):
    return np.einsum("btc,cnh->btnh", x, kernel) + bias


def joined(x, kernel, bias=0):
    return np.einsum("btnh,nhc->btc", x, kernel) + bias


def masks(*shape):
    """True or false, where in each element of the batch one row is false throughout."""

    def draw(rng):
        mask = rng.random((BATCH, *shape)) < 0.6
        mask[:, 1] = False
        return mask

    return Input((None,) * len(shape), "bool", draw)


def self_attention(x, wq, bq, wk, bk, wv, bv, wo, bo):
    return joined(attend(heads(x, wq, bq), heads(x, wk, bk), heads(x, wv, bv))[0], wo, bo)


def cross(q, v, k, mask):
    layer = L.MultiHeadAttention(2, 3, value_dim=5, output_shape=(3,), use_bias=False, dropout=0.25)
    y, scores = layer(q, v, key=k, attention_mask=mask, return_attention_scores=True, use_causal_mask=True)
    return [y, scores]


def cross_oracle(q, v, k, mask, wq, wk, wv, wo):
    causal = np.tri(q.shape[1], v.shape[1], dtype=bool)
    shown = (mask & causal)[:, None]
    y, scores = attend(heads(q, wq), heads(k, wk), heads(v, wv), shown, fused=False)
    return [joined(y, wo), scores]


def masked(q, v, mask):
    return L.MultiHeadAttention(2, 3)(q, v, attention_mask=mask)


def masked_oracle(q, v, mask, wq, bq, wk, bk, wv, bv, wo, bo):
    y, _ = attend(heads(q, wq, bq), heads(v, wk, bk), heads(v, wv, bv), mask[:, None])
    return joined(y, wo, bo)


def along_axis(x, wq, bq, wk, bk, wv, bv, wo, bo):
    b, r, s, c = x.shape
    return self_attention(x.reshape(b * r, s, c), wq, bq, wk, bk, wv, bv, wo, bo).reshape(x.shape)


def along_all(x, wq, bq, wk, bk, wv, bv, wo, bo):
    b, r, s, c = x.shape
    x = x.reshape(b, r * s, c)
    y, _ = attend(heads(x, wq, bq), heads(x, wk, bk), heads(x, wv, bv))
    return (np.einsum("btnh,nhcd->btcd", y, wo) + bo).reshape(b, r, s, *bo.shape)


def gated(x):
    return L.MultiHeadAttention(2, 3, value_dim=4, use_gate=True, sliding_window=2, seed=3)(x, x)


def gated_oracle(x, wq, bq, wk, bk, wg, bg, wv, bv, wo, bo):
    places = np.arange(x.shape[1])
    near = np.abs(places[:, None] - places) < 2
    y, _ = attend(heads(x, wq, bq), heads(x, wk, bk), heads(x, wv, bv), near)
    return joined(y / (1 + np.exp(-heads(x, wg, bg))), wo, bo)


def regularized(x):
    layer = L.MultiHeadAttention(
        2,
        3,
        kernel_initializer="he_uniform",
        bias_initializer="ones",
        kernel_regularizer=R.L2(0.1),
        bias_regularizer=R.L1(0.2),
        activity_regularizer=R.L2(0.3),
        kernel_constraint="non_neg",
        bias_constraint=keras.constraints.MaxNorm(3),
    )
    return layer(x, x)


def grouped(q, v, mask):
    layer = L.GroupQueryAttention(3, 4, 2, dropout=0.1, seed=5)
    y, scores = layer(q, v, attention_mask=mask, return_attention_scores=True)
    return [y, scores]


def grouped_oracle(q, v, mask, wq, bq, wk, bk, wv, bv, wo, bo):
    k, w = (np.repeat(x, 2, axis=2) for x in (heads(v, wk, bk), heads(v, wv, bv)))
    y, scores = attend(heads(q, wq, bq), k, w, mask[:, None], fused=False)
    return [joined(y, wo, bo), scores]


def grouped_causal_oracle(q, v, k, wq, wk, wv, wo):
    shown = np.tri(q.shape[1], v.shape[1], dtype=bool)
    k, v = (np.repeat(x, 2, axis=2) for x in (heads(k, wk), heads(v, wv)))
    return joined(attend(heads(q, wq), k, v, shown)[0], wo)


def einsum(name, shape, equation, output_shape, oracle, **options):
    return Case(
        "einsum_dense" + name,
        {"x": floats(*shape, known=options.pop("known", False))},
        lambda x: L.EinsumDense(equation, output_shape, **options)(x),
        oracle,
    )


CASES = [
    einsum(
        "",
        (5, 4),
        "abc,cd->abd",
        (None, 3),
        lambda x, kernel, bias: np.tanh(x @ kernel + bias),
        bias_axes="d",
        activation="tanh",
        kernel_regularizer=R.L2(0.1),
        activity_regularizer=R.L1(0.1),
    ),
    einsum("_heads", (5, 4), "abc,cde->abde", (None, 2, 3), lambda x, kernel, bias: np.einsum("abc,cde->abde", x, kernel) + bias, bias_axes="de"),
    einsum("_left", (2, 3, 4), "...x,xy->...y", 5, lambda x, kernel, bias: x @ kernel + bias, bias_axes="y"),
    einsum(
        "_right",
        (4, 3, 2),
        "ab...,bc->ac...",
        5,
        lambda x, kernel, bias: np.einsum("abxy,bc->acxy", x, kernel) + bias,
        bias_axes="c",
        known=True,
    ),
    einsum(
        "_shared",
        (5, 4),
        "abc,bcd->abd",
        (5, 3),
        lambda x, kernel, bias: np.einsum("abc,bcd->abd", x, kernel) + bias,
        bias_axes="b",
        known=True,
    ),
    einsum("_summed", (5, 4), "abc,cd->ad", 3, lambda x, kernel: np.einsum("abc,cd->ad", x, kernel)),
    Case(
        "multi_head_attention",
        {"x": floats(7, 4)},
        lambda x: L.MultiHeadAttention(2, 3)(x, x),
        self_attention,
    ),
    Case(
        "multi_head_attention_cross",
        {"q": floats(5, 4), "v": floats(7, 4), "k": floats(7, 6), "mask": masks(5, 7)},
        cross,
        cross_oracle,
    ),
    Case(
        "multi_head_attention_masked",
        {"q": floats(5, 4), "v": floats(7, 4), "mask": masks(5, 7)},
        masked,
        masked_oracle,
    ),
    Case(
        "multi_head_attention_axis",
        {"x": floats(2, 5, 4)},
        lambda x: L.MultiHeadAttention(2, 3, attention_axes=2)(x, x),
        along_axis,
    ),
    Case(
        "multi_head_attention_axes",
        {"x": floats(3, 5, 4)},
        lambda x: L.MultiHeadAttention(2, 3, output_shape=(2, 3))(x, x),
        along_all,
    ),
    Case("multi_head_attention_gated", {"x": floats(6, 4)}, gated, gated_oracle, ("3.15",)),
    Case("multi_head_attention_regularized", {"x": floats(6, 4)}, regularized, self_attention),
    Case(
        "multi_head_attention_named",
        {"q": floats(5, 4), "v": floats(7, 4), "k": floats(7, 4)},
        lambda q, v, k: L.MultiHeadAttention(2, 3)(key=k, query=q, value=v),
        lambda q, v, k, wq, bq, wk, bk, wv, bv, wo, bo: joined(
            attend(heads(q, wq, bq), heads(k, wk, bk), heads(v, wv, bv))[0], wo, bo
        ),
        KERAS_3,
    ),
    Case("group_query_attention", {"q": floats(5, 4), "v": floats(7, 4), "mask": masks(5, 7)}, grouped, grouped_oracle, ("3.15",)),
    Case(
        "group_query_attention_causal",
        {"q": floats(5, 4), "v": floats(7, 4), "k": floats(7, 4)},
        lambda q, v, k: L.GroupQueryAttention(3, 4, 2, use_bias=False)(q, v, k, use_causal_mask=True),
        grouped_causal_oracle,
        KERAS_3,
    ),
]
