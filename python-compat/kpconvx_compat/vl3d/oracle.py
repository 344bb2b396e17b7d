"""VL3D's layers and networks in plain NumPy float64: an oracle that shares no code with the layers.

Point by point, as the description has it, on configurations as Keras 3, Keras 2.15 and Keras 2.12 write them. Keras's
own layers and KPConvX are those of `kpconvx_compat.oracle`.
"""

import itertools
import math

import numpy as np

from kpconvx_compat import oracle as keras_oracle


def _plain(value):
    """A configuration's array, written as a list, as a `__numpy__` object, or not at all."""
    return np.asarray(value["config"]["value"] if isinstance(value, dict) else value, np.float64)


# Convolutions on kernel points.


def _influences(config, q, xa, xb, n):
    """h (B, R_b, κ, K), how much each kernel point sees of each neighbour."""
    h = np.zeros((*n.shape, len(q)))
    for b, i, j in np.ndindex(n.shape):
        place = xa[b, n[b, i, j]] - xb[b, i]
        h[b, i, j] = np.maximum(0.0, 1.0 - np.linalg.norm(place - q, axis=-1) / config["sigma"])
    return h


def _convolution(config, weights, xa, xb, f, n):
    h = _influences(config, weights["Q"], xa, xb, n)
    y = np.zeros((*n.shape[:2], config["Dout"]))
    for b, i, j in np.ndindex(n.shape):
        for k in range(len(weights["Q"])):
            y[b, i] += h[b, i, j, k] * f[b, n[b, i, j]] @ weights["W"][k]
    return y


def _light_convolution(config, weights, xa, xb, f, n):
    h = _influences(config, weights["Q"], xa, xb, n)
    y = np.zeros((*n.shape[:2], config["Dout"]))
    for b, i, j in np.ndindex(n.shape):
        y[b, i] += (h[b, i, j] @ weights["A"] * f[b, n[b, i, j]]) @ weights["W"]
    return y


# Features.


def _resampled(config, weights, xa, xb, f, n, gaussian=None):
    y = np.zeros((*n.shape[:2], f.shape[-1]))
    for b, i in np.ndindex(n.shape[:2]):
        near = n[b, i]
        square = np.sum((xa[b, near] - xb[b, i]) ** 2, axis=-1)
        kind = config["filter"].lower()
        if kind == "nearest":
            w = np.eye(len(near))[0]
        elif kind == "mean":
            w = np.ones(len(near))
        else:
            sign = -1.0 if (kind, gaussian) == ("gaussian", "falls") else 1.0
            with np.errstate(invalid="ignore"):
                w = np.exp(sign * square / square.max())
        y[b, i] = w @ f[b, near] / w.sum()
    return y


def _grouping_point_net(config, weights, x, f, n):
    p = np.concatenate([x, f], axis=-1)
    inner, outer = (keras_oracle.activation(config[key]) for key in ("H_activation", "gamma_activation"))
    z = np.zeros((*n.shape[:2], config["dim_out"]))
    for b, i in np.ndindex(n.shape[:2]):
        z[b, i] = inner(p[b, n[b, i]] @ weights["H_kernel"].T).max(axis=0)
    return outer(z @ weights["gamma_kernel"] + weights.get("gamma_bias", 0.0))


def _structuring(config, weights, x, f):
    y = []
    for x, f in zip(x, f):
        square = np.sum((x[None] - weights["QX"][:, None]) ** 2, axis=-1)
        e = np.exp(-square / weights["omegaD"][:, None] ** 2)
        own = e.T @ (weights["omegaF"] * (e @ f) / len(x)) @ weights["QW"]
        y.append(own if config["concatenation_strategy"].upper() == "OPAQUE" else np.concatenate([f, own], axis=-1))
    return np.array(y)


def _hourglass(config, weights, f):
    first, second = (
        (lambda x: np.maximum(x, 0.0)) if (config[key] or "identity").lower() == "relu" else (lambda x: x)
        for key in ("activation", "activation2")
    )
    return second(first(f @ weights["W1"]) @ weights["W2"])


def hourglass_loss(config, weights):
    """What a call of a HourglassLayer adds to the losses, 0 where it does not regularize."""
    if not config["regularize"]:
        return 0.0
    squared = weights["W1"].T @ weights["W1"]
    strategy = (config["spectral_strategy"] or "approx").lower()
    largest = np.linalg.norm(weights["W1"], 2) ** 2 + (1e-5 if strategy == "approx" else 0.0)
    return config["beta"] * np.linalg.norm(squared / math.sqrt(largest) - np.eye(len(squared)))


def orthogonal_loss(config, y):
    """FeaturesOrthogonalRegularizer's loss of an activity (B, n²), before Keras 2 divides it by B."""
    n = config["num_features"]
    x = y.reshape(-1, n, n)
    products = np.array([x[b, i] @ x[c, j] for b, i, c, j in itertools.product(*map(range, (len(x), n, len(x), n)))])
    return config["l2reg"] * np.sum((products.reshape(-1, n, n) - np.eye(n)) ** 2)


# Radial basis functions.


def _rbf_extract(config, weights, x):
    distance = np.linalg.norm(x[:, :, None] - weights["Q"], axis=-1)
    markov = config["kernel_function_type"].lower() == "markov"
    return np.exp(-(distance if markov else distance**2) / weights["omega"] ** 2)


def _rbf_processing(config, weights, f):
    kernels, features = weights["M"].shape
    y = np.zeros((*f.shape[:2], features * kernels))
    for d, k in itertools.product(range(features), range(kernels)):
        y[..., d * kernels + k] = np.exp(-(((f[..., d] - weights["M"][k, d]) / weights["Omega"][k, d]) ** 2))
    return y


def structure(config, kind):
    """Kernel points on concentric figures (K, 3), from max_radii, radii_resolution and angular_resolutions."""
    radii, n = _plain(config["max_radii"]), config["radii_resolution"]
    found = [np.zeros((1, 3))]
    for k, m in list(enumerate(_plain(config["angular_resolutions"]).astype(int)))[1:]:
        r = k / (n - 1) * radii
        at = np.linspace(-1.0, 1.0, m)
        cube = np.stack(np.meshgrid(at, at, at, indexing="ij"), axis=-1).reshape(-1, 3)
        if kind == "concentric_ellipsoids":
            a, b = (steps.ravel() * np.pi / m for steps in np.meshgrid(np.arange(m), 2 * np.arange(m), indexing="ij"))
            found.append(r * np.stack([np.sin(a) * np.cos(b), np.sin(a) * np.sin(b), np.cos(a)], axis=-1))
        elif kind == "concentric_grids":
            found.append(r * cube)
        elif kind == "concentric_rectangulars":
            # On a face across x, else on one across y, else on one across z: sorted by which, then in the grid's order,
            # but with the coordinate across first.
            across = np.argmax(np.abs(cube) == 1.0, axis=1)
            shell = [point for point in zip(across, cube) if np.abs(point[1]).max() == 1.0]
            shell.sort(key=lambda face: (face[0], face[1][face[0]] if face[0] < 2 else 0.0))
            found.append(r * np.array([point for _, point in shell]))
        elif kind in ("concentric_cylinders", "cone"):
            for z in at:
                share = abs(z) if kind == "cone" else 1.0
                count = math.ceil(m * (share if kind == "cone" else max(r[:2])))
                t = 2 * np.pi * np.arange(count) / count
                found.append(r * np.stack([share * np.cos(t), share * np.sin(t), np.full(count, z)], axis=-1))
        else:
            raise ValueError(f"unknown structure {kind}")
    return np.concatenate(found)


def _own_cloud(convolution):
    return lambda config, weights, x, f, n: convolution(config, weights, x, x, f, n)


LAYERS = {
    "KPConvLayer": _own_cloud(_convolution),
    "StridedKPConvLayer": _convolution,
    "LightKPConvLayer": _own_cloud(_light_convolution),
    "StridedLightKPConvLayer": _light_convolution,
    "FeaturesDownsamplingLayer": _resampled,
    "FeaturesUpsamplingLayer": _resampled,
    "GroupingPointNetLayer": _grouping_point_net,
    "FeaturesStructuringLayer": _structuring,
    "HourglassLayer": _hourglass,
    "RBFFeatExtractLayer": _rbf_extract,
    "RBFFeatProcessingLayer": _rbf_processing,
}


def layer(class_name, config, weights, inputs, **options):
    """The output of one of VL3D's layers.

    config: its configuration. weights: its arrays by the names of the layer's attributes (Q, W, A, H_kernel, …).
    inputs: the list that the layer takes. options: gaussian, "grows" or "falls", for a filter of that name.
    """
    weights = {name: np.asarray(value, np.float64) for name, value in weights.items()}
    inputs = [np.asarray(x) for x in inputs]
    inputs = [x if np.issubdtype(x.dtype, np.integer) else x.astype(np.float64) for x in inputs]
    return LAYERS[class_name](config, weights, *inputs, **options)


# Networks.


def _dense(config, weights, x):
    kernel, *bias = weights
    y = x @ (kernel[0] if kernel.ndim == 3 else kernel)
    return keras_oracle.activation(config["activation"])(y + bias[0] if bias else y)


def _tile(config, weights, x, multiples=None, **_):
    return np.tile(x, multiples or config["repeats"])


def _pooled(config, weights, x):
    size = config["pool_size"][0]
    steps = x.shape[1] // size
    return x[:, : steps * size].reshape(len(x), steps, size, -1).max(axis=2)


KERAS_LAYERS = {
    **keras_oracle.LAYERS,
    "Dense": _dense,
    "Conv1D": _dense,
    "BatchNormalization": keras_oracle.batch_normalization,
    "GlobalMaxPooling1D": lambda config, weights, x: x.max(axis=1),
    "MaxPooling1D": _pooled,
    "Reshape": lambda config, weights, x: x.reshape(len(x), *config["target_shape"]),
    "Dot": lambda config, weights, x: x[0] @ x[1],  # of the axes (2, 1)
    "TFOpLambda": _tile,
    "Tile": _tile,
}


def network(config, weights, inputs, **options):
    """Every layer's output of a functional network, by the layers' names.

    config: the object that `model.to_json()` holds. weights: by layer name, a KPConvX or Keras layer's arrays in
    Keras 3's order with Q first, a VL3D layer's by name. inputs: arrays by input name. options: as for `layer`.
    """
    layers = {entry["name"]: entry for entry in config["config"]["layers"]}
    found = {}

    def value(name):
        if name not in found:
            entry = layers[name]
            kind, settings = entry["class_name"].split(">")[-1], entry["config"]
            if kind == "InputLayer":
                found[name] = np.asarray(inputs[name])
                if not np.issubdtype(found[name].dtype, np.integer):
                    found[name] = found[name].astype(np.float64)
            else:
                arguments, keywords = _arguments(entry["inbound_nodes"][0], value)
                found[name] = _called(kind, settings, weights.get(name, []), arguments, keywords)
        return found[name]

    def _called(kind, settings, own, arguments, keywords):
        if kind in LAYERS:
            arguments = arguments if isinstance(arguments, list) else [arguments]
            resampling = kind.startswith("Features") and kind.endswith("samplingLayer")
            return layer(kind, settings, own, arguments, **(options if resampling else {}))
        own = [np.asarray(array, np.float64) for array in own]
        if kind == "KPConvXLayer":
            return keras_oracle.kpconvx(settings, own, *arguments)[f"block_{settings['blocks'] - 1}/F"]
        return KERAS_LAYERS[kind](settings, own, arguments, **keywords)

    for name in layers:
        value(name)
    return found


def _arguments(node, value):
    """The inputs of a layer's only call, one array or a list, and the keywords that a TFOpLambda was called with."""
    if isinstance(node, dict):  # Keras 3
        return _tensor(node["args"][0], value), {}
    if isinstance(node[0], str):  # a TFOpLambda's node is not nested
        return value(node[0]), {key: given for key, given in node[3].items() if key != "name"}
    tensors = [value(name) for name, *_ in node]
    return (tensors[0] if len(tensors) == 1 else tensors), {}


def _tensor(argument, value):
    if isinstance(argument, list):
        return [_tensor(item, value) for item in argument]
    return value(argument["config"]["keras_history"][0])


def losses(config, weights, found, batch):
    """The losses of the regularizers of VL3D's layers and T-nets in a network, with what it gave, in no order.

    batch: what the loss of an activity is divided by: its number of elements, but 1 in Keras 3.6.
    """
    all_losses = []
    for entry in config["config"]["layers"]:
        kind, settings, own = entry["class_name"].split(">")[-1], entry["config"], weights.get(entry["name"], {})
        if kind == "HourglassLayer" and settings["regularize"]:
            all_losses.append(hourglass_loss(settings, own))
        activity = settings.get("activity_regularizer")
        if activity:
            all_losses.append(orthogonal_loss(activity["config"], found[entry["name"]]) / batch)
        for name, array in own.items() if kind in LAYERS else ():
            rule = settings.get(f"{name.replace('H_kernel', 'H')}_regularizer")
            if rule:
                all_losses.append(keras_oracle.penalty(rule, np.asarray(array, np.float64)))
    return all_losses
