import json
import re
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from kpconvx_compat import port
from kpconvx_compat.context_gate import ContextGate


class Everything(keras.layers.Layer):
    """Takes what there is. */"""

    def __init__(self, units=3, rate=0.5, flag=True, mode="a\"b", sizes=(1, 2), shares=(0.5,), words=("a",), none=None,
                 inner=None, activation="relu", kernel_initializer="he_normal", **kwargs):
        super().__init__(**kwargs)
        self.units, self.rate, self.flag, self.mode = units, rate, flag, mode
        self.sizes, self.shares, self.words, self.none = sizes, shares, words, none
        inner = keras.saving.deserialize_keras_object(inner) if isinstance(inner, dict) else inner
        self.inner = inner or keras.layers.Dense(units)
        self.activation = keras.activations.get(activation)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.list = [keras.layers.Dense(units, use_bias=False) for _ in range(2)]

    def build(self, x_shape, n_shape):
        self.first = self.add_weight(shape=(x_shape[-1], self.units), name="kernel", initializer=self.kernel_initializer)
        self.count = self.add_weight(shape=(7,), name="count", trainable=False, initializer="zeros")
        self.last = self.add_weight(shape=(self.units,), name="kernel", initializer=keras.initializers.Constant(0.3))
        if not self.inner.built:
            self.inner.build(x_shape)
        for layer in self.list:
            layer.build((*x_shape[:-1], self.units))

    def call(self, x, n, scale=1.0, training=None):
        y = self.inner(x) + x @ self.first + self.last
        for layer in self.list:
            y = layer(y)
        return scale * y, keras.ops.sum(n, axis=1)

    def get_config(self):
        return {
            **super().get_config(), "units": self.units, "rate": self.rate, "flag": self.flag, "mode": self.mode,
            "sizes": self.sizes, "shares": self.shares, "words": self.words, "none": self.none,
            "inner": keras.saving.serialize_keras_object(self.inner), "activation": keras.activations.serialize(self.activation),
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }


@pytest.fixture(scope="module")
def everything(tmp_path_factory):
    out = tmp_path_factory.mktemp("port") / "out"
    return port.write(Everything, {}, [((None, 5), "float32"), ((4,), "int32")], out, package="mine")


def test_each_key_is_read_by_the_type_of_its_value(everything):
    text = (everything / "Everything.java").read_text()
    for line in (
        'config.integer("units", 3, Integer.MIN_VALUE);', 'config.number("rate", 0.5);', 'config.bool("flag", true);',
        'config.text("mode", "a\\"b");', 'config.integers("sizes", List.of(1, 2), Integer.MIN_VALUE);',
        'config.numbers("shares", List.of(0.5));', 'config.texts("words");', 'config.json("none");', 'config.json("inner");',
        'Activation.of(object.describe(), "activation", config.json("activation"));', 'Set.of("scale")',
        "/** Takes what there is. * / */",
    ):
        assert line in text, text
    assert "kernelInitializer" not in text


def test_weights_and_sublayers_come_in_keras_s_order(everything):
    text = (everything / "Everything.java").read_text()
    names = re.findall(r'WeightSpec.of\("(\w+)", (true|false), ([^)]*\)?[^)]*)\)', text)
    assert [(name, trained) for name, trained, _ in names] == [
        ("kernel", "true"), ("count", "false"), ("kernel_1", "true")
    ]
    assert "WeightSpec.of(\"kernel\", true, inputs.get(0).get(2), units)" in text
    assert "// TODO: 7: follows from what?" in text
    assert 'WeightRules.of(serialize(), "kernel_",' in text and '"class_name": "Constant"' in text
    assert text.index('addSublayer("inner", innerLayer)') < text.index("innerLayer.build(") < text.index('addSublayers("list"')
    assert text.count("list0") == 4 and "inputs.get(1): int32 (None, 4)" in text and "output 1: int32 (None,)" in text


def test_golden_data_has_every_output_and_gradient(everything):
    golden = np.load(everything / "golden/golden.npz")
    gradients = np.load(everything / "golden/gradients.npz")
    inputs = np.load(everything / "golden/inputs.npz")
    assert {"output_0", "output_1"} <= set(golden)
    model = keras.models.load_model(everything / "golden/model.keras", custom_objects={"Everything": Everything})
    found = model([inputs["x_0"], inputs["x_1"]])
    np.testing.assert_allclose(found[0], golden["output_0"], atol=1e-5)
    np.testing.assert_array_equal(found[1], golden["output_1"])
    assert set(gradients) == {"cotangent/output_0", "input/x_0", *(f"weight/{i}" for i in range(6))}
    for i, weight in enumerate(model.trainable_weights):
        assert gradients[f"weight/{i}"].shape == weight.shape and np.any(gradients[f"weight/{i}"] != 0)
    # The derivative by the bias that is added last but for two linear layers.
    step = 1e-2
    total = [0, 0]
    for k, sign in enumerate((1, -1)):
        weight = model.trainable_weights[1]
        before = weight.numpy()
        weight.assign(before + sign * step * np.eye(len(before))[0])
        total[k] = np.sum(np.float64(model([inputs["x_0"], inputs["x_1"]])[0]) * gradients["cotangent/output_0"])
        weight.assign(before)
    np.testing.assert_allclose((total[0] - total[1]) / (2 * step), gradients["weight/1"][0], rtol=1e-2)


def test_command_writes_a_port_and_refuses_what_it_cannot_read(tmp_path):
    command = [sys.executable, "-m", "kpconvx_compat.port", "kpconvx_compat.context_gate:ContextGate"]
    home = Path(port.__file__).parents[1]

    def run(*options):
        return subprocess.run([*command, *options], cwd=home, capture_output=True, text=True)

    done = run("--config", '{"ratio": 2}', "--input", "(None, 8)", "--out", str(tmp_path / "port"))
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (tmp_path / "port").iterdir()) == ["ContextGate.java", "ContextGateTest.java", "golden"]
    assert json.loads((tmp_path / "port/golden/golden.json").read_text())["outputs"] == ["output_0"]
    again = run("--input", "(None, 8)", "--out", str(tmp_path / "port"))
    assert again.returncode == 1 and "exists" in again.stderr.splitlines()[-1]
    wrong = run("--input", "None by 8", "--out", str(tmp_path / "other"))
    assert wrong.returncode == 1 and "an input is a shape" in wrong.stderr
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    "text, expected",
    [("(None, 3)", ((None, 3), "float32")), ("(3,)", ((3,), "float32")), ("None,16:int32", ((None, 16), "int32"))],
)
def test_inputs_are_shapes_as_keras_takes_them(text, expected):
    assert port.parse_input(text) == expected


def test_no_class_of_layers_is_refused():
    for name in ("kpconvx_compat.port", "kpconvx_compat.port:write", "keras:Model.nothing"):
        with pytest.raises((ValueError, TypeError, AttributeError)):
            port.load_class(name)
    assert port.load_class("kpconvx_compat.context_gate:ContextGate") is ContextGate
