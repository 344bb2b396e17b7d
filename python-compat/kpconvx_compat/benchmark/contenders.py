"""Who computes the layer in Python. A contender is loaded from a workload's folder, and computes when it is called.

No engine is imported before one of its contenders is loaded: TensorFlow and PyTorch cannot stand in one process.
"""

import os
from functools import partial
from pathlib import Path

import numpy as np

from kpconvx_compat.benchmark import workload as workloads


class Loaded:
    """A contender that is ready.

    Attributes:
        run: function without arguments that computes an answer to its end, a tensor of the engine's own kind.
        disagreement: function of an answer: None, or what is wrong with it, as a line.
    """

    def __init__(self, run, right):
        self.run = run
        self.right = right

    def disagreement(self, answer):
        return workloads.disagreement(np.asarray(answer), self.right)


def processors():
    """How many processors this process may use, by its affinity."""
    return len(os.sched_getaffinity(0))


def _keras(directory, jit_compile):
    import keras
    import tensorflow as tf

    from kpconvx_compat import layer  # noqa: F401, registers the layer

    _, _, inputs, right = workloads.read(directory)
    own = keras.models.load_model(Path(directory) / "model.keras").get_layer("kpconvx")
    call = _traced(tf, lambda x, f, n: own([x, f, n], training=False), inputs, jit_compile)
    return Loaded(call, right)


def _keras_direct(directory):
    import keras
    import tensorflow as tf

    _, weights, inputs, right = workloads.read(directory)
    tensors = {name: tf.constant(value) for name, value in weights.items()}
    norms = {name: _normalization(keras, weights, name) for name in ("bn_phi", "bn_htilde", "bn_hhat")}
    return Loaded(_traced(tf, partial(direct, tensors, norms, keras.layers.LeakyReLU(workloads.SLOPE)), inputs, False), right)


def direct(tensors, norms, activation, x, f, n):
    """The layer's formulas as one writes them down from the paper, without a thought for their cost.

    tensors: as :meth:`Workload.weights` names them. norms: the BatchNormalization layers by name.
    """
    import tensorflow as tf

    w = tensors
    y = tf.gather(x, n, batch_dims=1) - x[:, :, None, :]
    distances = tf.norm(y[:, :, :, None, :] - w["Q"], axis=-1)  # (B, R, κ, m_q), by way of (B, R, κ, m_q, 3)
    k = tf.argmin(distances, axis=-1, output_type=tf.int32)
    h = tf.nn.relu(1.0 - tf.reduce_min(distances, axis=-1))
    z = activation(norms["bn_phi"](f @ w["Phi"] + w["phi"], training=False))
    a = tf.sigmoid(z @ w["Psi"] + w["psi"])
    shape = tf.shape(f)
    a = tf.reshape(a, [shape[0], shape[1], workloads.KERNEL_POINTS, f.shape[-1] // workloads.GROUPS])
    m = tf.repeat(a, workloads.GROUPS, axis=-1) * w["W"]  # (B, R, m_q, D)
    products = h[..., None] * tf.gather(m, k, batch_dims=2) * tf.gather(f, n, batch_dims=1)
    convolved = tf.reduce_sum(products, axis=2)
    u = activation(norms["bn_htilde"](convolved @ w["Atilde"] + w["btilde"], training=False))
    v = activation(norms["bn_hhat"](u @ w["Ahat"] + w["bhat"], training=False))
    return f + v


def _normalization(keras, weights, name):
    layer = keras.layers.BatchNormalization(epsilon=workloads.EPSILON)
    values = [weights[f"{name}/{key}"] for key in workloads.NORMALIZATION]
    layer.build((None, None, len(values[0])))
    layer.set_weights(values)
    return layer


def _traced(tf, function, inputs, jit_compile):
    given = [tf.constant(inputs[key]) for key in "XFN"]
    signature = [tf.TensorSpec([None, None, *tensor.shape[2:]], tensor.dtype) for tensor in given[:2]]
    signature.append(tf.TensorSpec([None, None, None], given[2].dtype))
    call = tf.function(function, input_signature=signature, jit_compile=jit_compile)
    return lambda: call(*given)


class _Floor(Loaded):
    """Its answer is a pair: what the gate's two products give, and the bottleneck's two."""

    def disagreement(self, answer):
        return next(filter(None, map(workloads.disagreement, map(np.asarray, answer), self.right)), None)


def _floor(directory):
    import tensorflow as tf

    _, weights, inputs, _ = workloads.read(directory)
    matrix, products = workloads.floor_inputs(weights, inputs)
    p = {name: (tf.constant(product), tf.constant(bias)) for name, (product, bias) in products.items()}

    def dense(name, values):
        return tf.nn.bias_add(tf.matmul(values, p[name][0]), p[name][1])

    @tf.function(input_signature=[tf.TensorSpec([None, matrix.shape[1]], tf.float32)])
    def call(values):
        gate = tf.sigmoid(dense("Psi", tf.nn.leaky_relu(dense("Phi", values), workloads.SLOPE)))
        hidden = tf.nn.leaky_relu(dense("Atilde", values), workloads.SLOPE)
        return gate, tf.nn.leaky_relu(dense("Ahat", hidden), workloads.SLOPE)

    given = tf.constant(matrix)
    return _Floor(lambda: call(given), _floor_answer(matrix, products))


def _floor_answer(matrix, products):
    def dense(name, values):
        return values @ products[name][0].astype(np.float64) + products[name][1]

    def leaky(values):
        return np.where(values > 0, values, workloads.SLOPE * values)

    matrix = matrix.astype(np.float64)
    gate = 1.0 / (1.0 + np.exp(-dense("Psi", leaky(dense("Phi", matrix)))))
    return gate, leaky(dense("Ahat", leaky(dense("Atilde", matrix))))


def _onnxruntime(directory, model):
    import onnxruntime

    _, _, inputs, right = workloads.read(directory)
    missing = Path(directory) / f"{model}.missing"
    if missing.exists():
        raise RuntimeError(f"the layer could not be exported to ONNX: {missing.read_text(encoding='utf-8').strip()}")
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    # By itself it ties its threads to processors, also to those that this process may not use.
    options.intra_op_num_threads = processors()
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        str(Path(directory) / model), options, providers=["CPUExecutionProvider"]
    )
    return Loaded(lambda: session.run(None, inputs)[0], right)


FORMULATION = "gathered-modulations"
"""The fastest formulation of :mod:`torch_layer`, eager, compiled and in ONNX Runtime."""

ONNX_MODELS = {"model.onnx": FORMULATION, "direct.onnx": "direct"}
"""The formulation of :mod:`torch_layer` that each ONNX file of a workload's folder holds."""


def _torch(directory, compiled):
    import torch

    from kpconvx_compat.benchmark.torch_layer import KPConvX

    torch.set_num_threads(processors())
    _, weights, inputs, right = workloads.read(directory)
    x, f, n = (torch.from_numpy(inputs[key]) for key in "XFN")
    module = KPConvX(weights, FORMULATION)
    if compiled:
        torch._dynamo.reset()  # so that each shape of a series is compiled as its own, as fast as it can be
        module = torch.compile(module)

    def run():
        with torch.inference_mode():
            return module(x, f, n)

    return Loaded(run, right)


LOADERS = {
    "keras": partial(_keras, jit_compile=False),
    "keras-direct": _keras_direct,
    "keras-xla": partial(_keras, jit_compile=True),
    "onnxruntime": partial(_onnxruntime, model="model.onnx"),
    "onnxruntime-direct": partial(_onnxruntime, model="direct.onnx"),
    "torch": partial(_torch, compiled=False),
    "torch-compiled": partial(_torch, compiled=True),
    "floor": _floor,
}
"""By name, the function that loads a contender from a workload's folder."""
