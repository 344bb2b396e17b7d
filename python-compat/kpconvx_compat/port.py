"""Begins the port of a Keras layer to Java: a skeleton of its class, what Keras computes with it, and a test of both.

    python -m kpconvx_compat.port my_package.my_module:MyLayer --config '{"units": 8}' --input "(None, 3)" --out port

writes

    port/MyLayer.java       reads the configuration, makes weights and sublayers; `compute` is yours to write
    port/MyLayerTest.java   a JUnit test that fails until it is written, and then says where Java and Keras differ
    port/golden/            a model of the layer alone, inputs, outputs, and gradients (see `golden.py` and `write`)

`--input` takes a shape as `keras.Input` does, without the batch, and a data type behind a colon if it is not float32:
"(None, 16):int32". Repeat it for a layer of several inputs: it is called with each as an argument of its own, or with
a list of them if its `call` takes only one.
"""

import argparse
import importlib
import inspect
import json
import keyword
import re
import sys
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from kpconvx_compat.golden import write_golden

BATCH, OPEN = 2, 5
"""The sizes of the batch and of each dimension that is None, in the inputs that are drawn."""

JAVA_WORDS = set(
    "abstract assert boolean break byte case catch char class const continue default do double else enum extends false final"
    " finally float for goto if implements import instanceof int interface long native new null package private protected"
    " public record return short static strictfp super switch synchronized this throw throws transient true try var void"
    " volatile while config object".split()
)
BASE_KEYS = {"name", "trainable", "dtype", "activity_regularizer"}


class Recorder:
    """Notes the weights that a layer adds to itself, in the order in which it does."""

    def __init__(self, layer):
        self.weights = []
        self._add = layer.add_weight
        layer.add_weight = self._record

    def _record(self, *args, **kwargs):
        bound = inspect.signature(self._add).bind(*args, **kwargs).arguments
        weight = self._add(*args, **kwargs)
        self.weights.append((weight, bound.get("initializer")))
        return weight


def parse_input(text):
    """A shape without the batch and a data type, of "(None, 3)" or "(None, 16):int32"."""
    shape, _, dtype = text.partition(":")
    match = re.fullmatch(r"\s*\(?\s*((?:(?:None|\d+)\s*,?\s*)*)\)?\s*", shape)
    if match is None:
        raise ValueError(f"an input is a shape such as (None, 3) or (None, 16):int32; found {text}")
    sizes = re.findall(r"None|\d+", match.group(1))
    return tuple(None if size == "None" else int(size) for size in sizes), dtype.strip() or "float32"


def load_class(name):
    """The class of "package.module:Class"."""
    module, _, attribute = name.partition(":")
    if not attribute:
        raise ValueError(f"a class is named package.module:Class; found {name}")
    found = importlib.import_module(module)
    for part in attribute.split("."):
        found = getattr(found, part)
    if not (isinstance(found, type) and issubclass(found, keras.layers.Layer)):
        raise TypeError(f"{name} is no class of Keras layers")
    return found


def write(cls, config, inputs, out, *, package="layers", golden=None):
    """Writes skeleton, golden data and test into a new directory.

    cls: the layer's class. config: the arguments of its constructor, as from JSON. inputs: (shape, data type) of each input.
    golden: the path of the golden data as the test names it; where it is written to, unless given.

    Weights get random values, so that none is lost among zeros. `golden/gradients.npz` holds, for the sum of
    every floating-point output times `cotangent/<output>`, `input/<input>` of each such input and `weight/0`, … of
    each trained weight in Keras's order.
    """
    out = Path(out)
    if out.exists():
        raise FileExistsError(f"a port begins in a new directory; {out} exists")
    keras.utils.set_random_seed(0)
    layer = cls(**{"name": snake(cls.__name__), **config})
    recorder = Recorder(layer)
    tensors = [
        keras.Input(shape, dtype=dtype, name="x" if len(inputs) == 1 else f"x_{i}") for i, (shape, dtype) in enumerate(inputs)
    ]
    results = layer(tensors) if takes_list(layer, len(inputs)) else layer(*tensors)
    del layer.add_weight
    model = keras.Model(tensors if len(tensors) > 1 else tensors[0], results, name="model")
    random = np.random.default_rng(1)
    for weight in model.weights:
        if "float" in str(weight.dtype):
            weight.assign(random.uniform(0.1, 0.9, weight.shape))
    arrays = {tensor.name: draw(random, tensor) for tensor in tensors}
    write_golden(model, arrays, out / "golden")
    np.savez_compressed(out / "golden/gradients.npz", **gradients(model, arrays, random))
    java = Skeleton(layer, recorder.weights, tensors, results, package)
    (out / f"{cls.__name__}.java").write_text(java.text())
    (out / f"{cls.__name__}Test.java").write_text(java.test(golden or (out / "golden").as_posix()))
    return out


def takes_list(layer, count):
    needed = [p for p in positional(layer) if p.default is inspect.Parameter.empty]
    variadic = any(p.kind == p.VAR_POSITIONAL for p in inspect.signature(layer.call).parameters.values())
    return count > 1 and len(needed) <= 1 and not variadic


def positional(layer):
    return [
        p
        for p in inspect.signature(layer.call).parameters.values()
        if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]


def draw(random, tensor):
    shape = [BATCH] + [OPEN if size is None else size for size in tensor.shape[1:]]
    if "float" in tensor.dtype:
        return random.standard_normal(shape).astype(tensor.dtype)
    return random.integers(0, 2 if tensor.dtype == "bool" else OPEN, shape).astype(tensor.dtype)


def gradients(model, arrays, random):
    """What `write` says of gradients.npz."""
    graph_inputs = [tf.convert_to_tensor(arrays[tensor.name]) for tensor in model.inputs]
    floats = [tensor for tensor in graph_inputs if tensor.dtype.is_floating]
    found = {}
    with tf.GradientTape() as tape:
        tape.watch(floats)
        total = 0.0
        flat = keras.tree.flatten(model(keras.tree.pack_sequence_as(model._inputs_struct, graph_inputs), training=False))
        names = model.output_names if isinstance(model.output, dict) else [f"output_{i}" for i in range(len(flat))]
        for name, output in zip(names, flat):
            if output.dtype.is_floating:
                cotangent = random.standard_normal(output.shape).astype(output.dtype.as_numpy_dtype)
                found[f"cotangent/{name}"] = cotangent
                total += tf.reduce_sum(output * cotangent)
    weights = [weight.value for weight in model.trainable_weights]
    slopes = tape.gradient(total, floats + weights, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    slopes = [tf.convert_to_tensor(slope) for slope in slopes]
    named = [tensor.name for tensor in model.inputs if "float" in tensor.dtype]
    found.update({f"input/{name}": slope.numpy() for name, slope in zip(named, slopes)})
    found.update({f"weight/{i}": slope.numpy() for i, slope in enumerate(slopes[len(floats):])})
    return found


def snake(name):
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def camel(name):
    words = [word for word in re.split(r"\W|_", name) if word]
    joined = words[0][:1].lower() + words[0][1:] + "".join(word[:1].upper() + word[1:] for word in words[1:])
    return joined + "Value" if joined in JAVA_WORDS or keyword.iskeyword(joined) or not joined.isidentifier() else joined


def java_string(text):
    return json.dumps(text, ensure_ascii=False)


def text_block(value, indent):
    """A JSON value as a Java text block; backslashes keep their meaning."""
    lines = json.dumps(value, indent=2).replace("\\", "\\\\").replace('"""', '\\"""').split("\n")
    return '"""\n' + "\n".join(indent + line for line in lines) + '"""'


class Skeleton:
    """The text of a Java class for a layer, and that of its test."""

    def __init__(self, layer, weights, inputs, results, package):
        self.layer, self.weights, self.inputs, self.package = layer, weights, inputs, package
        self.results = keras.tree.flatten(results)
        self.cls = type(layer)
        self.name = self.cls.__name__
        self.config = {key: value for key, value in layer.get_config().items() if key not in BASE_KEYS}
        registered = keras.saving.get_registered_name(self.cls)
        self.registered = registered if ">" in registered else self.name
        self.imports = {
            "io.github.kpconvx.keras.config.KerasObject",
            "io.github.kpconvx.layer.Layer",
            "io.github.kpconvx.layer.LayerCall",
            "io.github.kpconvx.network.LayerFactory",
            "java.util.List",
            "java.util.Set",
            "org.tensorflow.Operand",
            "org.tensorflow.ndarray.Shape",
            "org.tensorflow.op.Ops",
        }
        self.fields, self.members, self.reads, self.taken = [], [], [], set()
        self._config()
        self.created = self._weights() + self._sublayers()

    def _need(self, *names):
        self.imports.update("io.github.kpconvx." + name for name in names)

    def _field(self, kind, key, expression):
        name = self._name(camel(key))
        self.fields.append(f"  private final {kind} {name};")
        self.reads.append(f"    this.{name} = {expression};")
        return name

    def _name(self, name):
        """One that no other field has."""
        while name in self.taken:
            name += "Layer"
        self.taken.add(name)
        return name

    def _config(self):
        for key, value in self.config.items():
            self._read(key, value)

    def _read(self, key, value):
        quoted = java_string(key)
        if key == "activation" or key.endswith("_activation"):
            self._need("layer.function.Activation")
            return self._field("Activation", key, f"Activation.of(object.describe(), {quoted}, config.json({quoted}))")
        if key.endswith(("_initializer", "_regularizer", "_constraint")):
            return None  # Belongs to the weight whose name it begins with.
        if isinstance(value, bool):
            return self._field("boolean", key, f"config.bool({quoted}, {str(value).lower()})")
        if isinstance(value, int) and abs(value) < 2**31:
            return self._field("int", key, f"config.integer({quoted}, {value}, Integer.MIN_VALUE)")
        if isinstance(value, float) and np.isfinite(value):
            return self._field("double", key, f"config.number({quoted}, {value!r})")
        if isinstance(value, str):
            return self._field("String", key, f"config.text({quoted}, {java_string(value)})")
        if isinstance(value, (list, tuple)) and value:
            if all(isinstance(item, int) and not isinstance(item, bool) for item in value):
                items = ", ".join(map(str, value))
                return self._field(
                    "List<Integer>", key, f"config.integers({quoted}, List.of({items}), Integer.MIN_VALUE)"
                )
            if all(isinstance(item, float) for item in value):
                items = ", ".join(map(repr, value))
                return self._field("List<Double>", key, f"config.numbers({quoted}, List.of({items}))")
            if all(isinstance(item, str) for item in value):
                return self._field("List<String>", key, f"config.texts({quoted})")
        # null, an object that Keras serialized, or what only this layer knows.
        self.imports.add("com.fasterxml.jackson.databind.JsonNode")
        return self._field("JsonNode", key, f"config.json({quoted})")

    def _size(self, size):
        """A size as an expression of the inputs or the configuration, where only one of them has it."""
        known = {
            f"inputs.get({i}).get({d})": found
            for i, tensor in enumerate(self.inputs)
            for d, found in enumerate(tensor.shape)
            if found is not None
        }
        settings = {camel(key): value for key, value in self.config.items() if type(value) is int and value > 0}
        known.update(settings)
        candidates = [text for text, value in known.items() if value == size] or [
            f"{text} {sign} {other}"
            for text, value in known.items()
            for other, factor in settings.items()
            for sign, result in (("*", value * factor), ("/", value // factor))
            if text != other and result == size and factor > 1
        ]
        if len(candidates) == 1:
            return candidates[0], None
        return f"{size}", f"{size}: {' or '.join(candidates)}?" if candidates else f"{size}: follows from what?"

    def _weights(self):
        lines, names = [], set()
        for weight, initializer in self.weights:
            name = weight.name
            while name in names:
                name += "_1"
            names.add(name)
            sizes = [self._size(int(size)) for size in weight.shape]
            for doubt in dict.fromkeys(doubt for _, doubt in sizes if doubt):
                lines.append(f"    // TODO: {doubt}")
            dimensions = "".join(f", {size}" for size, _ in sizes)
            trainable = str(bool(weight.trainable)).lower()
            self._need("keras.weights.WeightSpec", "layer.WeightRules")
            lines.append(
                f"    addWeight(\n        tf,\n        WeightSpec.of({java_string(name)}, {trainable}{dimensions}),\n"
                f"        {self._rules(name, initializer)});"
            )
            if "float32" not in str(weight.dtype):
                lines.append(f"    // TODO: {name} is {weight.dtype} in Keras.")
        return lines

    def _rules(self, name, initializer):
        found = keras.initializers.get(initializer or "glorot_uniform")
        serialized = keras.initializers.serialize(found)
        is_config = f"{name}_initializer" in self.config
        plain = isinstance(serialized, dict) and serialized.get("config") in ({}, default_config(found))
        if is_config or plain:
            default = serialized["class_name"] if plain else "glorot_uniform"
            return f"WeightRules.of(serialize(), {java_string(name + '_')}, {java_string(default)})"
        self._need("layer.function.Initializer")
        json_text = text_block(serialized, "                ")
        return (
            f"WeightRules.startingAt(\n            Initializer.of(\n                serialize().describe(),\n"
            f"                {java_string(name + '_initializer')},\n                KerasObject.parseJson(\n"
            f"                {json_text}),\n                null))"
        )

    def _sublayers(self):
        lines = []
        for attribute, value in vars(self.layer).items():
            if attribute.startswith("_"):
                continue
            single = isinstance(value, keras.layers.Layer)
            held = [value] if single else list(value.values()) if isinstance(value, dict) else value
            if not isinstance(held, (list, tuple)) or not held:
                continue
            if not all(isinstance(item, keras.layers.Layer) for item in held):
                continue
            self._need("inference.StandardLayers")
            variables = []
            for i, sublayer in enumerate(held):
                variable = self._name(camel(attribute) + ("" if single else str(i)))
                variables.append(variable)
                self.members.append(f"  private Layer {variable};")
                lines.append(
                    f"    {variable} =\n        StandardLayers.registry()\n            .create(\n"
                    "                KerasObject.parse(\n                    "
                    + text_block(shortened(sublayer), "                    ")
                    + "));"
                )
            # Before they are built, as they learn then what their weights are made of.
            if single:
                lines.append(f"    addSublayer({java_string(attribute)}, {variables[0]});")
            else:
                lines.append(f"    addSublayers({java_string(attribute)}, List.of({', '.join(variables)}));")
            for variable, sublayer in zip(variables, held):
                shapes = built_shapes(sublayer)
                lines.append(f"    {variable}.build(tf, List.of({', '.join(map(java_shape, shapes))}));")
        return lines

    def _documentation(self):
        line = (inspect.getdoc(self.cls) or "").strip().split("\n")[0]
        # What a Keras class inherits says nothing of this one.
        own = line if self.cls.__doc__ else ""
        own = own.replace("*/", "* /").replace("<", "&lt;").replace("@", "&#64;")
        return own or f"The layer {self.registered}."

    def text(self):
        keywords = [
            p.name
            for p in inspect.signature(self.layer.call).parameters.values()
            if p.default is not inspect.Parameter.empty and p.name not in ("training", "mask")
        ]
        body = [f"/** {self._documentation()} */", f"public final class {self.name} extends Layer {{"]
        fields = self.fields + self.members
        body += fields + ([""] if fields else [])
        body += [f"  public {self.name}(KerasObject object) {{", "    super(object);"]
        keys = ", ".join(java_string(key) for key in self.config)
        if self.reads:
            self._need("keras.config.ConfigReader")
            body += ["    ConfigReader config = object.config();", f"    config.rejectUnknownKeys(List.of({keys}));"]
        else:
            body += [f"    object.config().rejectUnknownKeys(List.of({keys}));"]
        body += self.reads + ["  }", ""]
        body += ["  @Override", "  protected void createWeights(Ops tf, List<Shape> inputs) {"]
        body += self.created or ["    // It has no weights."]
        body += ["  }", ""]
        if keywords:
            body += ["  @Override", "  protected Set<String> keywords() {"]
            body += [f"    return Set.of({', '.join(map(java_string, keywords))});", "  }", ""]
        body += self._compute()
        body += self._factory() + ["}"]
        imports = "".join(f"import {name};\n" for name in sorted(self.imports))
        return f"package {self.package};\n\n{imports}\n" + "\n".join(body) + "\n"

    def _compute(self):
        lines = ["  /*", f"   * In Python, {self.registered}:", "   *"]
        try:
            source = inspect.getsource(self.cls.call)
        except OSError:
            source = f"def call{inspect.signature(self.cls.call)}: …"
        lines += [f"   * {line}".replace("*/", "* /").rstrip() for line in inspect.cleandoc("\n" + source).split("\n")]
        lines += ["   *"]
        lines += [
            f"   * inputs.get({i}): {tensor.dtype} {shape_text(tensor.shape)}" for i, tensor in enumerate(self.inputs)
        ]
        lines += [f"   * output {i}: {tensor.dtype} {shape_text(tensor.shape)}" for i, tensor in enumerate(self.results)]
        lines += ["   */", "  @Override", "  protected List<Operand<?>> compute(Ops tf, LayerCall call) {"]
        lines += ["    List<Operand<?>> inputs = call.inputs();"]
        message = f"{self.name}.compute is not written yet: return what call in Python does with the "
        lines += [
            "    throw new UnsupportedOperationException(",
            f"        {java_string(message)}",
            "            + inputs.size()",
            f"            + {java_string(f' inputs, {len(self.results)} output(s); see the comment above it')});",
            "  }",
            "",
        ]
        return lines

    def _factory(self):
        return [
            "  /**",
            f"   * Makes the layer in every model that has it, once META-INF/services/{'io.github.kpconvx.network.LayerFactory'}",
            f"   * holds the line {self.package}.{self.name}$Factory.",
            "   */",
            "  public static final class Factory implements LayerFactory {",
            "    @Override",
            "    public Layer create(KerasObject object) {",
            f"      return new {self.name}(object);",
            "    }",
            "",
            "    @Override",
            "    public Set<String> names() {",
            f"      return Set.of({java_string(self.registered)});",
            "    }",
            "  }",
        ]

    def test(self, golden):
        return TEST.format(
            package=self.package, name=self.name, registered=java_string(self.registered), golden=java_string(golden)
        )


def shortened(layer):
    """A serialized layer without what its class does anyhow."""
    serialized = keras.saving.serialize_keras_object(layer)
    serialized.pop("build_config", None)
    defaults = {
        name: parameter.default
        for kind in reversed(type(layer).__mro__[:-1])
        for name, parameter in inspect.signature(kind.__init__).parameters.items()
    }
    config = serialized["config"]
    for key, value in list(config.items()):
        default = defaults.get(key, inspect.Parameter.empty)
        is_class = isinstance(value, dict) and isinstance(default, str) and snake(value.get("class_name", "")) == default
        is_policy = key == "dtype" and "float32" in json.dumps(value)
        if key != "name" and (value is None or is_class or is_policy or value == default or (key, value) == ("trainable", True)):
            del config[key]
    return serialized


def default_config(initializer):
    try:
        return type(initializer)().get_config()
    except TypeError:
        return None


def built_shapes(layer):
    """The shapes that a sublayer was built for, one for each input."""
    shapes = list((layer._build_shapes_dict or {}).values())
    if len(shapes) == 1 and shapes[0] and isinstance(shapes[0][0], (list, tuple)):
        return list(shapes[0])
    return shapes


def java_shape(shape):
    return f"Shape.of({', '.join('-1' if size is None else str(size) for size in shape)})"


def shape_text(shape):
    return str(tuple(shape))


TEST = """package {package};

import static io.github.kpconvx.golden.GoldenAssertions.assertGradientsMatchGolden;
import static io.github.kpconvx.golden.GoldenAssertions.assertMatchesGolden;

import io.github.kpconvx.inference.StandardLayers;
import io.github.kpconvx.network.LayerRegistry;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** {name} against what Keras computes. */
class {name}Test {{
  private static final Path GOLDEN = Path.of({golden});

  private static final LayerRegistry LAYERS =
      StandardLayers.registry().with({registered}, {name}::new);

  @Test
  void computesWhatKerasComputes() {{
    assertMatchesGolden(GOLDEN, LAYERS);
  }}

  @Test
  void hasTheGradientsOfKeras() {{
    assertGradientsMatchGolden(GOLDEN, LAYERS);
  }}
}}
"""


def main(arguments=None):
    parser = argparse.ArgumentParser(
        prog="python -m kpconvx_compat.port", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("layer", metavar="PACKAGE.MODULE:CLASS", help="the layer's class")
    parser.add_argument("--config", default="{}", metavar="JSON", help="the arguments of its constructor")
    parser.add_argument("--input", action="append", required=True, metavar="SHAPE", help="shape[:dtype] of an input; repeatable")
    parser.add_argument("--out", required=True, type=Path, help="a new directory")
    parser.add_argument("--package", default="layers", help="of the Java classes (default layers)")
    parser.add_argument("--golden", metavar="PATH", help="where the test finds the golden data (default OUT/golden)")
    given = parser.parse_args(arguments)
    try:
        config = json.loads(given.config)
        inputs = [parse_input(text) for text in given.input]
        out = write(load_class(given.layer), config, inputs, given.out, package=given.package, golden=given.golden)
    except (ValueError, TypeError, ImportError, AttributeError, FileExistsError) as e:
        parser.exit(1, f"error: {e}\n")
    print(f"Written: {', '.join(sorted(str(path) for path in out.iterdir()))}")


if __name__ == "__main__":
    sys.path.insert(0, "")
    main()
