"""The layer and its networks in plain NumPy float64, in inference: an oracle that shares no code with the layers.

Written for clarity from the definition of the layer (arXiv:2405.13194, and Keras's documentation for the rest), on
configurations as Keras 3 writes them.
"""

import numpy as np
from scipy.special import erf

SELU_ALPHA, SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946


def _sigmoid(x):
    return 0.5 * (1.0 + np.tanh(0.5 * x))


def _elu(x):
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0)))


def _softmax(x, axis=-1):
    exponential = np.exp(x - x.max(axis=axis, keepdims=True))
    return exponential / exponential.sum(axis=axis, keepdims=True)


def _relu(x, negative_slope=0.0, max_value=None, threshold=0.0):
    kept = x if max_value is None else np.minimum(x, max_value)
    return np.where(x >= threshold, kept, negative_slope * (x - threshold))


FUNCTIONS = {
    "linear": lambda x: x,
    "relu": _relu,
    "leaky_relu": lambda x: _relu(x, 0.2),
    "elu": _elu,
    "selu": lambda x: SELU_SCALE * np.where(x > 0, x, SELU_ALPHA * np.expm1(np.minimum(x, 0))),
    "gelu": lambda x: 0.5 * x * (1.0 + erf(x / np.sqrt(2.0))),
    "silu": lambda x: x * _sigmoid(x),
    "swish": lambda x: x * _sigmoid(x),
    "tanh": np.tanh,
    "sigmoid": _sigmoid,
    "softplus": lambda x: np.logaddexp(x, 0.0),
    "softmax": _softmax,
}


def activation(serialized):
    """The function of an activation's configuration: a name, a serialized function or a serialized layer."""
    if serialized is None:
        return FUNCTIONS["linear"]
    if isinstance(serialized, str):
        return FUNCTIONS[serialized]
    kind, config = serialized["class_name"], serialized["config"]
    if kind == "function":
        return FUNCTIONS[config]
    return lambda x: LAYERS[kind](config, [], x)


def batch_normalization(config, weights, x):
    """weights: gamma if scale, beta if center, moving_mean, moving_variance."""
    *affine, mean, variance = weights
    y = (x - mean) / np.sqrt(variance + config["epsilon"])
    if config.get("scale", True):
        y = y * affine.pop(0)
    if config.get("center", True):
        y = y + affine.pop(0)
    return y


def kpconvx(config, weights, x, f, n):
    """Every stage of a KPConvX layer, by the names of `KPConvXBase.stages`, and more.

    config: the layer's configuration. weights: its arrays in Keras's order, with Q (the only (m_q, 3)) first or behind
    bhat. x (B, R, 3), f (B, R, D), n (B, R, κ). Adds `near_tie` (B, R), whether a point has a neighbour whose two
    nearest kernel points are, within 1e-6, equally far.
    """
    weights = [np.asarray(w, np.float64) for w in weights]
    blocks, groups = config["blocks"], config["groups"]
    q = weights.pop(0 if weights[0].ndim == 2 else 9)
    W, Phi, phi, Psi, psi, Atilde, btilde, Ahat, bhat = weights[:9]
    normalizations = {}
    rest = weights[9:]
    for key in ("bn_phi", "bn_htilde", "bn_hhat"):
        normalizations[key] = []
        for t in range(blocks):
            settings = {"epsilon": 1e-3} if config[key] is None else config[key][t]["config"]
            count = 2 + settings.get("scale", True) + settings.get("center", True)
            normalizations[key].append((settings, rest[:count]))
            rest = rest[count:]
    act = activation(config["activation"])

    x, f = np.asarray(x, np.float64), np.asarray(f, np.float64)
    batch = np.arange(len(x))[:, None, None]
    y = x[batch, n] - x[:, :, None, :]
    distances = np.linalg.norm(y[:, :, :, None, :] - q, axis=-1)
    k = distances.argmin(axis=-1)
    nearest = np.sort(distances, axis=-1)
    h = np.maximum(0.0, 1.0 - nearest[..., 0] / config["sigma"])
    near_tie = np.any(nearest[..., 1] - nearest[..., 0] < 1e-6, axis=-1) if len(q) > 1 else np.zeros(k.shape[:2], bool)
    stages = {"k": k, "h": h, "near_tie": near_tie}
    for t in range(blocks):
        z = act(batch_normalization(*normalizations["bn_phi"][t], f @ Phi[t] + phi[t]))
        a = _sigmoid(z @ Psi[t] + psi[t]).reshape(*f.shape[:2], len(q), -1)
        modulated = np.repeat(a, groups, axis=-1) * W[t]
        chosen = np.take_along_axis(modulated, k[..., None], axis=2)
        convolved = np.sum(h[..., None] * chosen * f[batch, n], axis=2)
        u = act(batch_normalization(*normalizations["bn_htilde"][t], convolved @ Atilde[t] + btilde[t]))
        v = act(batch_normalization(*normalizations["bn_hhat"][t], u @ Ahat[t] + bhat[t]))
        f = f + v
        for key, value in (("A", a), ("f", convolved), ("u", u), ("v", v), ("F", f)):
            stages[f"block_{t}/{key}"] = value
    return stages


def _dense(config, weights, x):
    y = x @ weights[0]
    return activation(config["activation"])(y + weights[1] if config["use_bias"] else y)


LAYERS = {
    "Dense": _dense,
    "BatchNormalization": batch_normalization,
    "Activation": lambda config, weights, x: activation(config["activation"])(x),
    "LeakyReLU": lambda config, weights, x: _relu(x, config.get("negative_slope", config.get("alpha", 0.3))),
    "ReLU": lambda config, weights, x: _relu(
        x, config["negative_slope"] or 0.0, config["max_value"], config["threshold"] or 0.0
    ),
    "Softmax": lambda config, weights, x: _softmax(x, config["axis"]),
    "Dropout": lambda config, weights, x: x,
    "Concatenate": lambda config, weights, x: np.concatenate(x, axis=config["axis"]),
    "Add": lambda config, weights, x: sum(x),
}


def network(config, weights, inputs):
    """Runs a functional network from its configuration, the object that `model.to_json()` holds.

    weights: by layer name, its arrays in Keras's order (for a KPConvX layer Q among them). inputs: by input name.
    Returns the list of outputs and, by layer name, the stages of each KPConvX layer.
    """
    layers = {layer["name"]: layer for layer in config["config"]["layers"]}
    tensors, stages = {}, {}

    def tensor(name):
        if name not in tensors:
            tensors[name] = evaluate(layers[name])
        return tensors[name]

    def evaluate(layer):
        name, kind, settings = layer["name"], layer["class_name"], layer["config"]
        if kind == "InputLayer":
            values = np.asarray(inputs[name])
            return values if np.issubdtype(values.dtype, np.integer) else values.astype(np.float64)
        (node,) = layer["inbound_nodes"]
        arguments = _resolve(node["args"][0], tensor)
        arrays = [np.asarray(w, np.float64) for w in weights.get(name, [])]
        if kind == "KPConvXLayer":
            stages[name] = kpconvx(settings, arrays, *arguments)
            return stages[name][f"block_{settings['blocks'] - 1}/F"]
        return LAYERS[kind](settings, arrays, arguments)

    ends = config["config"]["output_layers"]
    ends = [ends] if isinstance(ends[0], str) else ends
    return [tensor(name) for name, _, _ in ends], stages


def _resolve(argument, tensor):
    if isinstance(argument, list):
        return [_resolve(item, tensor) for item in argument]
    return tensor(argument["config"]["keras_history"][0])
