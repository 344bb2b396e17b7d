"""What a case is: a small model around one layer or operation, what goes in, and what should come out."""

import inspect
import zlib
from dataclasses import dataclass
from typing import Callable

import numpy as np
import tensorflow as tf

from kpconvx_compat.backend import KERAS_2, keras

KERAS_3 = ("3.6", "3.15")
EVERY_VERSION = ("2.15", *KERAS_3)
OF_BOTH = ("2.15", "3.15")  # where Keras 3.6 fails to make the model
VERSION = ".".join(keras.__version__.split(".")[:2])
BATCH = 2


@dataclass(frozen=True)
class Input:
    """An input of a model: its shape in the model without the batch, and what draws an array for it."""

    shape: tuple
    dtype: str
    draw: Callable


def floats(*shape, known=False, low=-1.5, high=1.5, dtype="float32"):
    """Uniform numbers, (B, *shape). The first size is left open in the model, unless `known` or the only one."""
    return _input(shape, known, dtype, lambda rng, size: rng.uniform(low, high, size))


def integers(high, *shape, known=False, low=0, dtype="int32"):
    """Whole numbers from low up to, without it, high."""
    return _input(shape, known, dtype, lambda rng, size: rng.integers(low, high, size))


def booleans(*shape, known=False):
    """True or false."""
    return _input(shape, known, "bool", lambda rng, size: rng.random(size) < 0.5)


def _input(shape, known, dtype, draw):
    open_shape = shape if known or len(shape) < 2 else (None, *shape[1:])
    return Input(open_shape, dtype, lambda rng: np.asarray(draw(rng, (BATCH, *shape))).astype(dtype))


@dataclass(frozen=True)
class Case:
    """A model and what it is run on.

    inputs: an Input by name. layers: makes the output, or a list of outputs, from the input tensors, in their order.
    oracle: the same in NumPy, from arrays of float64 in place of floats: the inputs, then the model's weights in Keras's
    order; None for whole networks. versions: those of Keras that have it. differentiable: whether it has a gradient.
    training: gradients, losses and outputs are those of a step of training, which must draw no random numbers.
    tolerance: of the oracle, in parts of max(1, |y|).
    """

    name: str
    inputs: dict
    layers: Callable
    oracle: Callable | None = None
    versions: tuple = EVERY_VERSION
    differentiable: bool = True
    training: bool = False
    tolerance: float = 1e-5

    @property
    def here(self):
        """Whether this Keras has it."""
        return VERSION in self.versions or (KERAS_2 and "2.15" in self.versions)

    @property
    def recorded(self):
        """The versions whose files are kept: the oldest and the newest that has it."""
        return self.versions[0], self.versions[-1]

    def rng(self, part):
        return np.random.default_rng([zlib.crc32(self.name.encode()), part])

    def arrays(self):
        """The inputs by name."""
        rng = self.rng(0)
        return {name: given.draw(rng) for name, given in self.inputs.items()}

    def model(self):
        """The model, with weights drawn anew, so that none keeps a value that hides what it does."""
        keras.backend.clear_session()
        keras.utils.set_random_seed(1)
        tensors = [keras.Input(given.shape, name=name, dtype=given.dtype) for name, given in self.inputs.items()]
        outputs = self.layers(*tensors)
        model = keras.Model(tensors, outputs, name=self.name)
        rng = self.rng(1)
        for weight in model.weights:
            if np.issubdtype(np.asarray(weight).dtype, np.floating) and "seed_generator" not in weight.name:
                low, high = (0.5, 1.5) if "variance" in weight.name else (-0.8, 0.8)
                weight.assign(rng.uniform(low, high, weight.shape).astype(np.asarray(weight).dtype))
        for layer in model.layers:
            if hasattr(layer, "finalize_state"):  # Computes with copies of its weights.
                layer.finalize_state()
        return model

    def expected(self, model):
        """What the oracle computes with the model's weights, as a list of arrays."""
        given = [*self.arrays().values(), *(np.asarray(weight) for weight in model.weights)]
        found = self.oracle(*(np.float64(array) if array.dtype.kind == "f" else array for array in given))
        return [np.asarray(y) for y in (found if isinstance(found, (list, tuple)) else [found])]


def golden(case, model):
    """What Keras computes, as arrays by name.

    `output_<i>` and, from the oracle, `oracle/output_<i>`. With cotangents `cotangent_<i>` for the floating outputs,
    of Σ cotangent · output: `gradient/<input>` for inputs that have one, `gradient/weight_<i>` for trainable weights,
    whose values are `weight_<i>`. `losses`, what layers add to the loss. After a step of training
    `updated/weight_<i>`, weights that are not trained.
    """
    inputs = {name: tf.convert_to_tensor(array) for name, array in case.arrays().items()}
    trainable = [_tensor(weight) for weight in model.trainable_weights]
    with tf.GradientTape() as tape:
        tape.watch([tensor for tensor in inputs.values() if tensor.dtype.is_floating])
        outputs = model(list(inputs.values()) if len(inputs) > 1 else next(iter(inputs.values())), training=case.training)
        outputs = list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
        rng = case.rng(2)
        cotangents = {i: rng.uniform(-1, 1, y.shape).astype(np.float32) for i, y in enumerate(outputs) if y.dtype.is_floating}
        total = tf.add_n([tf.reduce_sum(y_bar * tf.cast(outputs[i], tf.float32)) for i, y_bar in cotangents.items()] or [0.0])
    found = {f"output_{i}": y.numpy() for i, y in enumerate(outputs)}
    found["losses"] = np.array([float(loss) for loss in model.losses])
    if case.oracle:
        found |= {f"oracle/output_{i}": y for i, y in enumerate(case.expected(model))}
    if case.differentiable:
        asked = {name: tensor for name, tensor in inputs.items() if tensor.dtype.is_floating}
        asked |= {f"weight_{i}": weight for i, weight in enumerate(trainable)}
        gradients = tape.gradient(total, asked)
        found |= {f"cotangent_{i}": y_bar for i, y_bar in cotangents.items()}
        found |= {f"gradient/{name}": np.asarray(tf.convert_to_tensor(g)) for name, g in gradients.items() if g is not None}
        found |= {f"weight_{i}": np.asarray(weight) for i, weight in enumerate(trainable)}
    if case.training:
        kept = [weight for weight in model.non_trainable_weights if "seed_generator" not in weight.name]
        found |= {f"updated/weight_{i}": np.asarray(weight) for i, weight in enumerate(kept)}
    return found


def _tensor(weight):
    return getattr(weight, "value", weight) if not inspect.ismethod(getattr(weight, "value", None)) else weight


def difference(expected, found):
    """The largest difference of an array from the expected one, in parts of max(1, |y|); infinite for another shape."""
    if expected.shape != found.shape:
        return np.inf
    expected, found = (np.asarray(array, np.float64) for array in (expected, found))
    if not np.array_equal(np.isfinite(expected), np.isfinite(found)):
        return np.inf
    finite = np.isfinite(expected)
    return float(np.max(np.abs(expected - found)[finite] / np.maximum(1.0, np.abs(expected[finite])), initial=0.0))
