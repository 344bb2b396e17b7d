"""Sequences and images in NumPy: how kernels and pools move over them, written as loops over places."""

import itertools

import numpy as np


def last(x):
    """Channels behind the places."""
    return np.moveaxis(x, 1, -1)


def first(x):
    """Channels before the places."""
    return np.moveaxis(x, -1, 1)


def margins(sizes, kernel, strides, padding, dilations):
    """How many places are added before and after each dimension."""
    found = []
    for size, k, stride, dilation in zip(sizes, kernel, strides, dilations):
        more = dilation * (k - 1)
        if padding == "causal":
            found.append((more, 0))
        elif padding == "same":
            total = max((-(-size // stride) - 1) * stride + more + 1 - size, 0)
            found.append((total // 2, total - total // 2))
        else:
            found.append((0, 0))
    return found


def windows(x, kernel, strides, padding="valid", dilations=None, fill=0.0):
    """What a kernel sees of (B, …, C) at each of the places (…'), as (B, *places', *kernel, C)."""
    dilations = dilations or (1,) * len(kernel)
    around = margins(x.shape[1:-1], kernel, strides, padding, dilations)
    x = np.pad(x, [(0, 0), *around, (0, 0)], constant_values=fill)
    places = [
        (size - dilation * (k - 1) - 1) // stride + 1
        for size, k, stride, dilation in zip(x.shape[1:-1], kernel, strides, dilations)
    ]
    seen = np.empty((x.shape[0], *places, *kernel, x.shape[-1]))
    for place in itertools.product(*map(range, places)):
        for k in itertools.product(*map(range, kernel)):
            where = tuple(p * s + i * d for p, s, i, d in zip(place, strides, k, dilations))
            seen[(slice(None), *place, *k)] = x[(slice(None), *where)]
    return seen


def convolution(x, kernel, strides=1, padding="valid", dilations=1, groups=1):
    """A kernel (…, C / groups, filters) over (B, …, C)."""
    rank = kernel.ndim - 2
    size = kernel.shape[:rank]
    seen = windows(x, size, _each(strides, rank), padding, _each(dilations, rank))
    parts = []
    for part, weights in zip(np.split(seen, groups, -1), np.split(kernel, groups, -1)):
        flat = part.reshape(*part.shape[: 1 + rank], -1)
        parts.append(flat @ weights.reshape(-1, weights.shape[-1]))
    return np.concatenate(parts, -1)


def depthwise(x, kernel, strides=1, padding="valid", dilations=1):
    """A kernel (…, C, M) over each channel of (B, …, C): (B, …', C · M)."""
    rank = kernel.ndim - 2
    seen = windows(x, kernel.shape[:rank], _each(strides, rank), padding, _each(dilations, rank))
    made = (seen[..., None] * kernel).sum(tuple(range(1 + rank, 1 + 2 * rank)))
    return made.reshape(*made.shape[:-2], -1)


def transposed(x, kernel, strides=1, padding="valid", dilations=1, output_padding=None):
    """Each place of (B, …, C) adds a kernel (…, filters, C) of its own to the output."""
    rank = kernel.ndim - 2
    strides, dilations = _each(strides, rank), _each(dilations, rank)
    reach = [dilation * (k - 1) + 1 for k, dilation in zip(kernel.shape, dilations)]
    sizes = []
    for i, (size, stride) in enumerate(zip(x.shape[1:-1], strides)):
        if output_padding is None:
            sizes.append(size * stride + (max(reach[i] - stride, 0) if padding == "valid" else 0))
        else:
            cut = 2 * (reach[i] // 2) if padding == "same" else 0
            sizes.append((size - 1) * stride + reach[i] - cut + _each(output_padding, rank)[i])
    around = margins(sizes, kernel.shape[:rank], strides, padding, dilations)
    whole = np.zeros((x.shape[0], *(size + sum(more) + max(reach) for size, more in zip(sizes, around)), kernel.shape[-2]))
    for place in itertools.product(*map(range, x.shape[1:-1])):
        for k in itertools.product(*map(range, kernel.shape[:rank])):
            where = tuple(p * s + i * d for p, s, i, d in zip(place, strides, k, dilations))
            whole[(slice(None), *where)] += x[(slice(None), *place)] @ kernel[k].T
    inside = tuple(slice(more[0], more[0] + size) for size, more in zip(sizes, around))
    return whole[(slice(None), *inside)]


def _each(value, rank):
    return (value,) * rank if isinstance(value, int) else tuple(value)
