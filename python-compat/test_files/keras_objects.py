"""Writes what the Java tests compare activations, initializers, regularizers, constraints and PReLU layers with.

    python keras_objects.py

in .venv-latest, .venv-tf218 and .venv-keras2 (Keras 3.15.1, 3.6.0 and 2.15.0). Writes into the test resources, for the
version V of Keras:

    objects-V.json   the cases of each kind: each a form in which Keras writes or reads an object, and for initializers also
                     the shape and the seed that stands in for a missing one; and the names that Keras reads, by kind
    objects-V.npz    for the N-th case of a kind, as KIND/N/…
        activations    x, y, and dx, the gradient of the sum of y·dy, for dy given
        regularizers   weight, penalty, gradient
        constraints    weight, projection
        initializers   value
        layers         x, alpha, y, and dx and dalpha, the gradients of the sum of y·dy, for dy given
"""

import inspect
import json
import os
import pathlib

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

KERAS_2 = keras.__version__.startswith("2.")
HERE = pathlib.Path(__file__).parents[2] / "src/test/resources/io/github/kpconvx/layer"

# Around 0, at and beside every kink, where functions saturate, and where squares and exponentials overflow.
POINTS = [0, 1e-6, 0.1, 0.25, 0.4999, 0.5, 0.5001, 0.75, 0.9999, 1, 1.0001, 1.5, 2, 2.5, 2.9999, 3, 3.0001, 4, 5.9999, 6,
          6.0001, 8, 20, 88, 100, 1e4, 1e18, 3e38]
ELEMENTWISE = np.float32(POINTS + [-p for p in POINTS]).reshape(7, 8)
# Where Keras's own sum does not overflow.
MODERATE = {"squareplus": np.clip(ELEMENTWISE, -1e18, 1e18)}
# For what works along an axis: ties, a kink of sparsemax, one element far above the others, and ordinary numbers.
ROWS = np.float32([[1, 0, 0, -1], [0.5, 0.5, 0.5, 0.5], [2, 1, 1, -3], [90, 1, 2, 3], [-0.3, 0.2, -0.7, 0.1],
                   [1.25, 1, 0.5, -2]])
ALONG_AN_AXIS = {"softmax", "log_softmax", "sparsemax", "glu"}
NOT_BY_NAME = {"threshold"}


def forms(objects):
    """Each object as Keras writes it; Keras 2 has an older way as well."""
    for made in objects:
        yield keras.saving.serialize_keras_object(made)
        if KERAS_2:
            from keras.src.saving.legacy import serialization

            yield serialization.serialize_keras_object(made)


def names(kind):
    """Every name that Keras reads, but for those of abstract base classes."""
    if not KERAS_2:
        known = getattr(keras.src, kind).ALL_OBJECTS_DICT
        return sorted(name for name, known_as in known.items() if known_as.__name__ + "s" != kind.capitalize())
    if kind == "activations":
        module = vars(keras.src.activations)
        functions = [name for name, value in module.items() if inspect.isfunction(value) and "x" in inspect.signature(value).parameters]
        return sorted(functions + ["ELU", "LeakyReLU", "ReLU", "Softmax", "ThresholdedReLU"])
    base = getattr(getattr(keras, kind), kind.capitalize()[:-1])
    found = []
    for name in vars(getattr(keras.src, kind)):
        try:
            read_as = getattr(keras, kind).get(name)
        except Exception:  # Whatever it is, it is no object of this kind.
            continue
        if isinstance(read_as, base) and type(read_as) is not base:
            found.append(name)
    return sorted(found)


def read(kind, form):
    if isinstance(form, dict) and "module" in form:
        return keras.saving.deserialize_keras_object(form)
    if kind == "activations" and isinstance(form, dict) and hasattr(keras.layers, form["class_name"]):
        return keras.layers.deserialize(form, use_legacy_format=True)
    return getattr(keras, kind).get(form)


def function_object(name, module="builtins"):
    return {"module": module, "class_name": "function", "config": name, "registered_name": "function"}


def activations():
    layers = keras.layers
    slope = "alpha" if KERAS_2 else "negative_slope"
    elementwise = [
        layers.Activation("gelu"), layers.Activation("linear"),
        layers.LeakyReLU(), layers.LeakyReLU(**{slope: 0.0}), layers.LeakyReLU(**{slope: 0.05}),
        layers.ReLU(), layers.ReLU(6), layers.ReLU(1.5), layers.ReLU(0), layers.ReLU(negative_slope=0.1),
        layers.ReLU(threshold=0.5), layers.ReLU(2.5, 0.1, 0.5), layers.ReLU(6, 0.25), layers.ReLU(6, 0, 1),
        layers.ReLU(None, 0.2, 1.5), layers.ELU(), layers.ELU(0.5), layers.Identity(),
    ]
    rows = [layers.Softmax(), layers.Softmax(axis=0), layers.Softmax(axis=1), layers.Softmax(axis=-2),
            layers.Softmax(axis=(1,)), layers.Softmax(axis=[-1, 0]), layers.Activation("softmax")]
    if keras.__version__ != "3.6.0":  # Which does not read what it writes of a layer in a layer.
        elementwise.append(layers.Activation(layers.ELU(0.5)))
    if KERAS_2:
        elementwise += [layers.ThresholdedReLU(), layers.ThresholdedReLU(0), layers.ThresholdedReLU(2.5)]
        functions = ["elu", "exponential", "gelu", "leaky_relu", "linear", "mish", "relu", "relu6", "selu", "sigmoid", "silu",
                     "softplus", "softsign", "swish", "tanh", "softmax", "log_softmax"]
        read_as_keras_3 = []
    else:
        rows.append(layers.Softmax(axis=None))
        functions = [name for name in names("activations") if name not in NOT_BY_NAME]
        read_as_keras_3 = [function_object("relu"), {"class_name": "relu", "config": {}},
                           function_object("hard_sigmoid")]
        if keras.__version__ != "3.6.0":
            read_as_keras_3 = [form for form in read_as_keras_3 if "module" in form]
    cases = [(name, ROWS if name in ALONG_AN_AXIS else MODERATE.get(name, ELEMENTWISE)) for name in functions]
    cases += [(form, ELEMENTWISE) for form in read_as_keras_3]
    cases += [(form, ELEMENTWISE) for form in forms(elementwise)]
    cases += [(form, ROWS) for form in forms(rows)]
    cases += [(form, np.stack([ROWS[:3], ROWS[3:]])) for form in forms([layers.Softmax(axis=(1, 2)), layers.Softmax(axis=1)])]
    for form, x in cases:
        yield form, read("activations", form), x
    if KERAS_2:
        # The module says whose function it is: the name alone means Keras 3's.
        yield function_object("hard_sigmoid", "tf_keras.activations"), keras.activations.hard_sigmoid, ELEMENTWISE
    for rank3 in ["softmax", "log_softmax"] + ([] if KERAS_2 or "glu" not in functions else ["glu", "sparsemax"]):
        yield rank3, read("activations", rank3), np.stack([ROWS[:3], ROWS[3:]])


def weight(*shape):
    values = np.random.default_rng(len(shape) + sum(shape)).normal(size=shape).astype("float32")
    values.flat[::5] = 0
    return values


def regularizers():
    module = keras.regularizers
    written = forms([module.L1(), module.L1(0.3), module.L2(), module.L2(0.07), module.L1L2(), module.L1L2(0.2), module.L1L2(l2=0.4),
                     module.L1L2(0.1, 0.3), module.L1(0)])
    for form in [*(["l1_l2"] if KERAS_2 else ["l1l2"]), "l1", "L2", "L1L2", *written, {"class_name": "L1", "config": {"l1": 0.5}}]:
        for w in (weight(3), weight(4, 3), weight(2, 3, 5)):
            yield form, w
    matrix = weight(4, 3)
    matrix[1] = 0  # A zero vector has no direction: Keras's gradient is NaN there, so that only the columns are compared.
    for mode, w in (("rows", weight(4, 3)), ("columns", weight(4, 3)), ("columns", matrix), ("rows", weight(2, 9))):
        for form in forms([module.OrthogonalRegularizer(0.3, mode)]):
            yield form, w
    yield "orthogonal_regularizer", weight(6, 5)
    yield "OrthogonalRegularizer", weight(6, 5)


def constraints():
    module = keras.constraints
    written = forms([
        module.NonNeg(), module.MaxNorm(), module.MaxNorm(0.5), module.MaxNorm(1, axis=1), module.MaxNorm(0.5, axis=[0, 1]),
        module.MinMaxNorm(), module.MinMaxNorm(1.5, 2.5), module.MinMaxNorm(0.5, 1, rate=0.3, axis=-1),
        module.MinMaxNorm(3, 4, rate=0, axis=[0]), module.UnitNorm(), module.UnitNorm(axis=[0, -1]), module.UnitNorm(axis=None)])
    keras_2_names = ["nonneg", "maxnorm", "unitnorm"] if KERAS_2 else []
    for form in ["non_neg", "max_norm", "min_max_norm", "unit_norm", "MaxNorm", *keras_2_names, *written]:
        for w in (weight(4, 3), weight(2, 3, 5)):
            w = w * 3
            w[0] = 0
            yield form, w


def initializers():
    module = keras.initializers
    seeded = [module.RandomNormal(seed=1), module.RandomNormal(2, 0.5, seed=2), module.TruncatedNormal(seed=3),
              module.TruncatedNormal(-1, 0.1, seed=4), module.RandomUniform(seed=5), module.RandomUniform(0, 3, seed=6)]
    seeded += [module.VarianceScaling(s, m, d, seed=7) for s, m, d in (
        (1, "fan_in", "truncated_normal"), (0.5, "fan_out", "untruncated_normal"), (2, "fan_avg", "uniform"), (1, "fan_in", "NORMAL"))]
    seeded += [made(seed=8) for made in (module.GlorotNormal, module.GlorotUniform, module.HeNormal, module.HeUniform,
                                         module.LecunNormal, module.LecunUniform)]
    constant = [module.Zeros(), module.Ones(), module.Constant(), module.Constant(-2.5), module.Constant(3)]
    if not KERAS_2:
        # Keras 2 takes such seeds another way.
        seeded += [module.RandomNormal(seed=-3), module.RandomNormal(seed=2**31 + 5)]
    if "input_axes" in module.HeNormal().get_config():
        seeded += [module.VarianceScaling(seed=9, input_axes=[0, 2], output_axes=[-2]),
                   module.GlorotUniform(seed=10, input_axes=[1]), module.HeNormal(seed=10, input_axes=[1, 2], output_axes=[0])]
    for form in forms(constant + seeded):
        for shape in ((), (7,), (6, 5), (2, 3, 4), (2, 3, 2, 3)):
            if form["config"].get("input_axes") is None or len(shape) == 3:
                yield form, shape, 0
    for form in forms([module.Orthogonal(seed=11), module.Orthogonal(-0.5, seed=12)]):
        for shape in ((6, 4), (4, 6), (5, 5), (2, 3, 4), (2, 3, 8)):
            yield form, shape, 0
    for form in [*forms([module.Identity()]), "identity", {"class_name": "Identity", "config": {"gain": 0.5}}]:
        for shape in ((4, 4), (3, 5), (5, 3)):
            yield form, shape, 0
    for name in ("glorot_uniform", "he_normal", "lecun_normal", "normal", "uniform", "truncated_normal", "variance_scaling",
                 "orthogonal", "one"):
        yield name, (3, 4), 13
    if not KERAS_2:
        # The second draw from a generator is another one than the first.
        for form in forms([module.HeUniform(seed=keras.random.SeedGenerator(14)), module.Orthogonal(seed=keras.random.SeedGenerator(15))]):
            yield form, (3, 4), 0


def layers():
    for shared in (None, 1, [1], [1, 2]):
        for form in forms([keras.layers.PReLU(shared_axes=shared)]):
            yield form, read("activations", form), np.stack([ROWS[:3], ROWS[3:]])


def initial_values(form, shape, seed):
    """The values of two calls."""
    made = read("initializers", form)
    if seed:
        made = type(made).from_config({**made.get_config(), "seed": seed}) if hasattr(made, "seed") else made
    first = np.asarray(made(shape, dtype="float32"))
    if KERAS_2:  # Which forbids a second call of an initializer without a seed.
        made = type(made).from_config(made.get_config())
    return np.stack([first, np.asarray(made(shape, dtype="float32"))])


def main():
    described, arrays = {}, {}

    def add(kind, case, **values):
        cases = described.setdefault(kind, [])
        for name, value in values.items():
            value = np.asarray(value, dtype="float32")
            assert not np.isnan(value).any(), (kind, case, name)
            arrays[f"{kind}/{len(cases)}/{name}"] = value
        cases.append(case)

    for form, function, x in activations():
        with tf.GradientTape() as tape:
            inputs = tf.constant(x)
            tape.watch(inputs)
            y = tf.convert_to_tensor(function(inputs))
            dy = np.random.default_rng(16).uniform(0.5, 2, size=y.shape).astype("float32")
            loss = tf.reduce_sum(y * dy)
        add("activations", {"form": form}, x=x, y=y, dy=dy, dx=tape.gradient(loss, inputs))
    for form, w in regularizers():
        variable = tf.constant(w)
        with tf.GradientTape() as tape:
            tape.watch(variable)
            penalty = tf.convert_to_tensor(read("regularizers", form)(variable))
        gradient = tape.gradient(penalty, variable, unconnected_gradients="zero")
        add("regularizers", {"form": form}, weight=w, penalty=penalty, gradient=gradient)
    for form, w in constraints():
        add("constraints", {"form": form}, weight=w, projection=read("constraints", form)(tf.constant(w)))
    for form, shape, seed in initializers():
        add("initializers", {"form": form, "shape": shape, "seed": seed}, value=initial_values(form, shape, seed))
    for form, layer, x in layers():
        layer.build(x.shape)
        alpha = np.random.default_rng(17).uniform(-0.5, 1, size=layer.alpha.shape).astype("float32")
        layer.alpha.assign(alpha)
        with tf.GradientTape() as tape:
            inputs = tf.constant(x)
            tape.watch(inputs)
            y = layer(inputs)
            dy = np.random.default_rng(16).uniform(0.5, 2, size=y.shape).astype("float32")
            loss = tf.reduce_sum(y * dy)
        dx, dalpha = tape.gradient(loss, [inputs, layer.trainable_weights[0] if KERAS_2 else layer.alpha.value])
        add("layers", {"form": form}, x=x, alpha=alpha, y=y, dy=dy, dx=dx, dalpha=dalpha)
    HERE.mkdir(parents=True, exist_ok=True)
    version = keras.__version__
    with open(HERE / f"objects-{version}.json", "w") as file:
        for kind, cases in described.items():
            file.write(("{" if kind == "activations" else ",\n") + f'"{kind}": [\n')
            file.write(",\n".join(json.dumps(case, default=np.ndarray.tolist) for case in cases) + "]")
        kinds = ("activations", "regularizers", "constraints", "initializers")
        file.write(",\n" + '"names": ' + json.dumps({kind: names(kind) for kind in kinds}) + "}\n")
    np.savez_compressed(HERE / f"objects-{version}.npz", **arrays)


if __name__ == "__main__":
    main()
