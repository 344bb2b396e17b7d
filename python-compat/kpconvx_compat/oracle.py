"""The layer and its networks in plain NumPy float64: an oracle that shares no code with the layers.

Written for clarity from the definition of the layer (arXiv:2405.13194, and Keras's documentation for the rest), on
configurations as Keras 3 and Keras 2 write them. Of training it has everything but the gradients: the forward pass (in
which nothing random may be left: drop_path is 0 or 1), the losses, and the steps of optimizers with their constraints.
"""

import json
from dataclasses import dataclass

import numpy as np
from scipy.special import erf

TENSORS = ("W", "Phi", "phi", "Psi", "psi", "Atilde", "btilde", "Ahat", "bhat")
NORMALIZATIONS = ("bn_phi", "bn_htilde", "bn_hhat")
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
    "hard_sigmoid": lambda x: np.clip(x / 6.0 + 0.5, 0.0, 1.0),
    "keras_2_hard_sigmoid": lambda x: np.clip(0.2 * x + 0.5, 0.0, 1.0),
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


def batch_normalization(config, weights, x, training=False):
    """weights: gamma if scale, beta if center, moving_mean, moving_variance."""
    *affine, mean, variance = weights
    if training and config.get("trainable", True):
        mean, variance = _moments(x)
    y = (x - mean) / np.sqrt(variance + config["epsilon"])
    if config.get("scale", True):
        y = y * affine.pop(0)
    if config.get("center", True):
        y = y + affine.pop(0)
    return y


def _moments(x):
    axes = tuple(range(x.ndim - 1))
    mean = x.mean(axis=axes)
    return mean, np.square(x - mean).mean(axis=axes)


def _moved(prefix, config, weights, x):
    """The moving statistics after a training pass with the input x, by names that begin with `moved/` and prefix."""
    moving = dict(zip(("moving_mean", "moving_variance"), weights[-2:]))
    momentum = config.get("momentum", 0.99) if config.get("trainable", True) else 1.0
    moments = zip(moving.items(), _moments(x))
    return {f"moved/{prefix}{key}": momentum * old + (1.0 - momentum) * new for (key, old), new in moments}


def _distances(q, x, n):
    """How far each neighbour, seen from its point, is from each kernel point, (B, R, κ, m_q)."""
    q, x = np.asarray(q, np.float64), np.asarray(x, np.float64)
    y = x[np.arange(len(x))[:, None, None], n] - x[:, :, None, :]
    return np.linalg.norm(y[:, :, :, None, :] - q, axis=-1)


def near_tie(q, x, n):
    """(B, R), whether a point has a neighbour whose two nearest kernel points are, within 1e-6, equally far.

    q (m_q, 3), x (B, R, 3), n (B, R, κ).
    """
    if len(q) == 1:
        return np.zeros(n.shape[:2], bool)
    nearest = np.partition(_distances(q, x, n), 1, axis=-1)
    return np.any(nearest[..., 1] - nearest[..., 0] < 1e-6, axis=-1)


def kpconvx(config, weights, x, f, n, training=False):
    """Every stage of a KPConvX layer, by the names of `KPConvXBase.stages`, and more.

    config: the layer's configuration. weights: its arrays in Keras's order, with Q (the only (m_q, 3)) first or behind
    bhat. x (B, R, 3), f (B, R, D), n (B, R, κ). Adds `near_tie` (B, R), whether a point has a neighbour whose two
    nearest kernel points are, within 1e-6, equally far; and in training `moved/<key>/<block>/<name>`, the moving
    statistics of its normalizations after the call.
    """
    blocks, groups = config["blocks"], config["groups"]
    q, tensors, normalizations = _kpconvx_parts(config, [np.asarray(w, np.float64) for w in weights])
    W, Phi, phi, Psi, psi, Atilde, btilde, Ahat, bhat = tensors
    act = activation(config["activation"])

    x, f = np.asarray(x, np.float64), np.asarray(f, np.float64)
    batch = np.arange(len(x))[:, None, None]
    distances = _distances(q, x, n)
    k = distances.argmin(axis=-1)
    h = np.maximum(0.0, 1.0 - distances.min(axis=-1) / config["sigma"])
    stages = {"k": k, "h": h, "near_tie": near_tie(q, x, n)}

    def normalized(key, t, values):
        settings, own = normalizations[key][t]
        if training:
            stages.update(_moved(f"{key}/{t}/", settings, own, values))
        return act(batch_normalization(settings, own, values, training))

    for t in range(blocks):
        z = normalized("bn_phi", t, f @ Phi[t] + phi[t])
        a = _sigmoid(z @ Psi[t] + psi[t]).reshape(*f.shape[:2], len(q), -1)
        modulated = np.repeat(a, groups, axis=-1) * W[t]
        chosen = np.take_along_axis(modulated, k[..., None], axis=2)
        convolved = np.sum(h[..., None] * chosen * f[batch, n], axis=2)
        u = normalized("bn_htilde", t, convolved @ Atilde[t] + btilde[t])
        v = normalized("bn_hhat", t, u @ Ahat[t] + bhat[t])
        f = f + (_drop_path(config["drop_path"], v) if training else v)
        for key, value in (("A", a), ("f", convolved), ("u", u), ("v", v), ("F", f)):
            stages[f"block_{t}/{key}"] = value
    return stages


def _drop_path(probability, v):
    if probability not in (0, 1):
        raise ValueError(f"what drop_path drops is random unless it is 0 or 1; found {probability}")
    return v if probability == 0 else np.zeros_like(v)


def _kpconvx_parts(config, weights):
    """Q, the nine tensors W … bhat, and by key each block's normalization: its configuration and its weights."""
    weights = list(weights)
    q = weights.pop(0 if weights[0].ndim == 2 else 9)
    normalizations, rest = {}, weights[9:]
    for key in NORMALIZATIONS:
        normalizations[key] = []
        for t in range(config["blocks"]):
            made = {"epsilon": 1e-3, "momentum": config["bn_momentum"]}
            settings = made if config[key] is None else {"epsilon": 1e-3, **config[key][t]["config"]}
            settings = {**settings, "trainable": settings.get("trainable", True) and config["trainable"]}
            count = 2 + settings.get("scale", True) + settings.get("center", True)
            normalizations[key].append((settings, rest[:count]))
            rest = rest[count:]
    return q, weights[:9], normalizations


def _dense(config, weights, x):
    y = x @ weights[0]
    return activation(config["activation"])(y + weights[1] if config["use_bias"] else y)


MODELS = ("Functional", "Sequential")

LAYERS = {
    "Dense": _dense,
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


def network(config, weights, inputs, training=False):
    """Runs a functional or sequential network from its configuration, the object that `model.to_json()` holds.

    weights: by layer name, its arrays in Keras's order (for a KPConvX layer Q among them); the names of the layers of
    nested models count like the others. inputs: by input name. Returns the list of outputs and, by layer name, what
    else its call gave: the stages of a KPConvX layer; in training `moved/<name>`, the moving statistics of a
    BatchNormalization after the call; `activity`, the loss of an activity_regularizer before it is divided (see
    `regularization`).
    """
    if config.get("keras_version", "").startswith("2."):
        config = json.loads(json.dumps(config).replace('"hard_sigmoid"', '"keras_2_hard_sigmoid"'))
    values = [np.asarray(inputs[name]) for name in _input_names(config["config"])]
    values = [value if np.issubdtype(value.dtype, np.integer) else value.astype(np.float64) for value in values]
    stages = {}
    return _model(config, weights, values, training, stages), stages


def _input_names(settings):
    if "input_layers" not in settings:
        return [settings["layers"][0]["config"]["name"]]
    return [name for name, *_ in _tensors(settings["input_layers"])]


def _tensors(tensors):
    """Keras writes one tensor [layer, call, 0], or a list of them."""
    return [tensors] if isinstance(tensors[0], str) else tensors


def _model(serialized, weights, inputs, training, stages):
    """The outputs of a model, itself or nested, as a list; adds to `stages`."""
    settings = serialized["config"]
    if serialized["class_name"] == "Sequential":
        value = inputs[0]
        for layer in settings["layers"][1:]:
            value = _layer(layer, weights, value, training, stages)
        return [value]
    layers = {layer["name"]: layer for layer in settings["layers"]}
    values = {(name, 0): value for name, value in zip(_input_names(settings), inputs)}

    def tensor(name, call):
        if (name, call) not in values:
            layer = layers[name]
            node = layer["inbound_nodes"][call - _first_call(layer)]
            arguments = node["args"][0] if isinstance(node, dict) else node if len(node) > 1 else node[0]
            values[name, call] = _layer(layer, weights, _resolve(arguments, tensor), training, stages)
        return values[name, call]

    return [tensor(name, call) for name, call, _ in _tensors(settings["output_layers"])]


def _first_call(layer):
    """The number of a layer's first call: Keras 2 counts the making of a nested model as its call 0."""
    return int(isinstance(layer["inbound_nodes"][0], list) and layer["class_name"] in MODELS)


def _layer(layer, weights, arguments, training, stages):
    kind, settings = layer["class_name"].split(">")[-1], layer["config"]
    if kind in MODELS:
        inputs = arguments if isinstance(arguments, list) else [arguments]
        return _model(layer, weights, inputs, training, stages)[0]
    name = settings["name"]
    arrays = [np.asarray(w, np.float64) for w in weights.get(name, [])]
    stages[name] = {}
    if kind == "KPConvXLayer":
        stages[name] = kpconvx(settings, arrays, *arguments, training)
        y = stages[name][f"block_{settings['blocks'] - 1}/F"]
    elif kind == "BatchNormalization":
        stages[name] = _moved("", settings, arrays, arguments) if training else {}
        y = batch_normalization(settings, arrays, arguments, training)
    else:
        if training and settings.get("rate"):
            raise ValueError(f"what {kind} {name} drops is random unless its rate is 0; found {settings['rate']}")
        y = LAYERS[kind](settings, arrays, arguments)
    if settings.get("activity_regularizer"):
        stages[name]["activity"] = penalty(settings["activity_regularizer"], y)
    return y


def _resolve(argument, tensor):
    """Keras 3's {…"keras_history": [layer, call, 0]} or Keras 2's [layer, call, 0, {}], or a list of such."""
    if isinstance(argument, dict):
        argument = argument["config"]["keras_history"]
    if isinstance(argument[0], str):
        return tensor(argument[0], argument[1])
    return [_resolve(item, tensor) for item in argument]


@dataclass(frozen=True)
class Variable:
    """A weight, the configurations of its regularizer and its constraint, and whether a step may move it."""

    value: np.ndarray
    trainable: bool = False
    regularizer: object = None
    constraint: object = None


def variables(config, weights):
    """The `Variable`s of a network by qualified names: `stem/kernel`, `conv/W`, `conv/bn_phi/0/gamma`.

    config, weights: as for `network`.
    """
    found = {}
    for layer in config["config"]["layers"]:
        name, kind, settings = layer["name"], layer["class_name"], layer["config"]
        arrays = [np.asarray(w, np.float64) for w in weights.get(name, [])]
        if kind == "KPConvXLayer":
            q, tensors, normalizations = _kpconvx_parts(settings, arrays)
            found[f"{name}/Q"] = Variable(q, settings["trainable"] and settings["deformable"])
            for key, value in zip(TENSORS, tensors):
                rules = settings["regularizer"], settings["constraint"]
                found[f"{name}/{key}"] = Variable(value, settings["trainable"], *rules)
            for key, blocks in normalizations.items():
                for t, part in enumerate(blocks):
                    found |= _own_variables(f"{name}/{key}/{t}", ("gamma", "beta"), *part)
        elif arrays:
            names = ("kernel", "bias") if kind == "Dense" else ("gamma", "beta")
            found |= _own_variables(name, names, settings, arrays)
    return found


def _own_variables(prefix, names, config, weights):
    """Of a Dense (kernel, bias) or a BatchNormalization (gamma, beta and its moving statistics)."""
    present = {"bias": config.get("use_bias"), "gamma": config.get("scale", True), "beta": config.get("center", True)}
    names = [name for name in names if present.get(name, True)]
    found = {}
    for name, value in zip([*names, "moving_mean", "moving_variance"], weights):
        rules = config.get(f"{name}_regularizer"), config.get(f"{name}_constraint")
        found[f"{prefix}/{name}"] = Variable(value, name in names and config.get("trainable", True), *rules)
    return found


def rule(serialized):
    """Of a regularizer or constraint: its name in lower case without underscores, and its settings."""
    if isinstance(serialized, str):
        serialized = {"class_name": serialized, "config": {}}
    return serialized["class_name"].replace("_", "").lower(), serialized["config"]


def penalty(regularizer, x):
    """The loss that a regularizer, of any configuration or None, makes of an array."""
    if regularizer is None:
        return 0.0
    name, config = rule(regularizer)
    if name == "orthogonalregularizer":
        rows = x if config["mode"] == "rows" else x.T
        rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        products = rows @ rows.T
        first, second = np.triu_indices(len(rows), 1)
        return config["factor"] * np.mean(np.abs(products[first, second]))
    default = {"l1": {"l1": 0.01}, "l2": {"l2": 0.01}, "l1l2": {}}[name]
    factors = {"l1": 0.0, "l2": 0.0, **default, **config}
    return factors["l1"] * np.sum(np.abs(x)) + factors["l2"] * np.sum(x * x)


def project(constraint, w):
    """The array that a constraint, of any configuration or None, makes of w."""
    if constraint is None:
        return w
    name, config = rule(constraint)
    if name in ("nonneg", "nonnegative"):
        return np.maximum(w, 0.0)
    settings = {"max_value": 1.0 if name == "minmaxnorm" else 2.0, "min_value": 0.0, "rate": 1.0, "axis": 0, **config}
    if name == "unitnorm":
        settings |= {"max_value": 1.0, "min_value": 1.0}
    axis = tuple(settings["axis"]) if isinstance(settings["axis"], list) else settings["axis"]
    norm = np.sqrt(np.sum(w * w, axis=axis, keepdims=True))
    within = np.clip(norm, settings["min_value"], settings["max_value"])
    return w * (settings["rate"] * within + (1.0 - settings["rate"]) * norm) / (norm + 1e-7)


def loss(outputs, targets):
    """The sum over the outputs of the mean squared difference from their targets."""
    return sum(np.mean(np.square(y - target)) for y, target in zip(outputs, targets))


def regularization(config, weights, stages, batch):
    """The sum of the regularizers' losses, stages being what `network` gave.

    batch: what the loss of an activity_regularizer is divided by: 1 in Keras 3.6, B in Keras 3.15.
    """
    found = [penalty(v.regularizer, v.value) for v in variables(config, weights).values() if v.trainable]
    return sum(found) + sum(layer.get("activity", 0.0) for layer in stages.values()) / batch


def sgd(w, gradient, learning_rate):
    """The weight after the step of stochastic gradient descent, before its constraint."""
    return w - learning_rate * gradient


def first_adam(w, gradient, learning_rate, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    """The weight after the first step of Adam as Keras takes it, before its constraint."""
    momentum, velocity = (1.0 - beta_1) * gradient, (1.0 - beta_2) * gradient**2
    rate = learning_rate * np.sqrt(1.0 - beta_2) / (1.0 - beta_1)
    return w - rate * momentum / (np.sqrt(velocity) + epsilon)
