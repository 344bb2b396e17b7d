"""The layer in PyTorch, in the formulations that PyTorch's users would try; for inference."""

import numpy as np
import torch
from torch import nn
from torch.nn.functional import embedding  # rows of a matrix, faster than indexing it

from kpconvx_compat.benchmark.workload import EPSILON, GROUPS, KERNEL_POINTS, NORMALIZATION, SLOPE


class KPConvX(nn.Module):
    """One block on X (B, R, 3), F (B, R, D), N (B, R, κ) int64, all clouds as one of P = B·R points.

    formulation: how neighbours find their kernel points and are summed, a key of :data:`FORMULATIONS`.
    """

    def __init__(self, weights, formulation):
        super().__init__()
        D, DH = weights["Atilde"].shape
        self.nearest, self.aggregate = FORMULATIONS[formulation]
        self.register_buffer("Q", torch.from_numpy(weights["Q"]))
        self.W = nn.Parameter(torch.from_numpy(weights["W"]))
        self.modulate = nn.Sequential(
            _linear(weights, "Phi", "phi"),
            _normalization(weights, "bn_phi"),
            nn.LeakyReLU(SLOPE),
            _linear(weights, "Psi", "psi"),
            nn.Sigmoid(),
        )
        self.bottleneck = nn.Sequential(
            _linear(weights, "Atilde", "btilde"),
            _normalization(weights, "bn_htilde"),
            nn.LeakyReLU(SLOPE),
            _linear(weights, "Ahat", "bhat"),
            _normalization(weights, "bn_hhat"),
            nn.LeakyReLU(SLOPE),
        )
        self.eval()

    def forward(self, x, f, n):
        batch, points, features = f.shape
        # Numbered through all clouds, a neighbour is a row of a matrix.
        n = (n + torch.arange(batch, device=n.device).view(-1, 1, 1) * points).flatten(0, 1)
        x, f = x.flatten(0, 1), f.flatten(0, 1)
        y = embedding(n, x) - x[:, None]
        distance, k = self.nearest(y, self.Q)
        h = torch.relu(1.0 - distance)
        a = self.modulate(f).view(-1, KERNEL_POINTS, features // GROUPS)
        f = f + self.bottleneck(self.aggregate(a, self.W, f, n, k, h))
        return f.view(batch, points, features)


def _nearest(y, Q):
    """By way of (P, κ, m_q, 3), as apple/ml-kpconvx does."""
    return _least(_square(y[:, :, None] - Q).sum(dim=-1))


def _nearest_by_axis(y, Q):
    """The same from sums over the three axes, (P, κ, m_q)."""
    return _least(sum(_square(y[..., axis, None] - Q[:, axis]) for axis in range(3)))


def _least(squares):
    square, k = squares.min(dim=-1)
    return square.sqrt(), k


def _gathered_modulations(a, W, f, n, k, h):
    """Each neighbour fetches its row of A; the product with W and F goes group by group."""
    points, neighbours = k.shape
    own = embedding(_rows(k), a.flatten(0, 1)) * h[..., None]
    products = (embedding(k, W) * embedding(n, f)).view(points, neighbours, -1, GROUPS)
    return (own[..., None] * products).sum(dim=1).flatten(1)


def _gathered_kernels(a, W, f, n, k, h):
    """The modulated kernel of each point is made, (P, m_q, D), and each neighbour fetches its row, as in apple/ml-kpconvx."""
    kernel = (a[..., None] * W.view(KERNEL_POINTS, -1, GROUPS)).view(-1, W.shape[-1])
    return (h[..., None] * embedding(_rows(k), kernel) * embedding(n, f)).sum(dim=1)


def _rows(k):
    """Where the rows k of each point's matrix are when all points' matrices are one."""
    return k + torch.arange(k.shape[0], device=k.device)[:, None] * KERNEL_POINTS


def _square(values):
    return values * values


FORMULATIONS = {
    "gathered-modulations": (_nearest_by_axis, _gathered_modulations),
    "gathered-kernels": (_nearest_by_axis, _gathered_kernels),
    "direct": (_nearest, _gathered_kernels),
}


def _linear(weights, matrix, bias):
    layer = nn.Linear(*weights[matrix].shape)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(np.ascontiguousarray(weights[matrix].T)))
        layer.bias.copy_(torch.from_numpy(weights[bias]))
    return layer


def _normalization(weights, name):
    gamma, beta, mean, variance = (torch.from_numpy(weights[f"{name}/{key}"]) for key in NORMALIZATION)
    layer = nn.BatchNorm1d(len(gamma), eps=EPSILON)
    with torch.no_grad():
        layer.weight.copy_(gamma)
        layer.bias.copy_(beta)
        layer.running_mean.copy_(mean)
        layer.running_var.copy_(variance)
    return layer
