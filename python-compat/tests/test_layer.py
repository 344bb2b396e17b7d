import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from kpconvx_compat import oracle
from kpconvx_compat.layer import KPConvXLayer

NORM = {"class_name": "BatchNormalization", "config": {}}
SHAPES = [(None, None, 3), (None, None, 8), (None, None, None)]


def built(**settings):
    layer = KPConvXLayer(**{"DH": 12, "groups": 4, **settings})
    layer.build(SHAPES)
    return layer


def cloud(batch=2, points=20, neighbours=6, features=8, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.uniform(0.0, 2.0, (batch, points, 3)).astype("float32")
    f = rng.standard_normal((batch, points, features)).astype("float32")
    n = np.argsort(np.linalg.norm(x[:, :, None] - x[:, None], axis=-1), axis=-1)[:, :, :neighbours]
    return x, f, n.astype("int32")


def test_the_configuration_has_the_documented_keys_and_defaults():
    config = KPConvXLayer(name="conv").get_config()
    activation = config.pop("activation")
    assert activation["class_name"] == "LeakyReLU" and activation["config"]["negative_slope"] == 0.3
    flags = {f"built_{x}": False for x in "Q W Phi phi Psi psi Atilde btilde Ahat bhat".split()}
    assert {key: value for key, value in config.items() if key != "dtype"} == {
        "name": "conv",
        "trainable": True,
        "blocks": 1,
        "drop_path": 0,
        "sigma": 1.0,
        "shell_radii": [0, 0.5, 1.0],
        "shell_points": [1, 7, 13],
        "DH": 384,
        "groups": 8,
        "deformable": False,
        "initializer": None,
        "regularizer": None,
        "constraint": None,
        "bn_momentum": 0.9,
        "bn_phi": None,
        "bn_htilde": None,
        "bn_hhat": None,
        **flags,
    }


def test_a_configuration_gives_back_what_it_was_given():
    given = {
        "initializer": {"class_name": "RandomNormal", "config": {"mean": 0.0, "stddev": 0.1, "seed": None}},
        "regularizer": "l2",
        "constraint": keras.constraints.serialize(keras.constraints.NonNeg()),
        "activation": {"class_name": "LeakyReLU", "config": {"alpha": 0.15}},
        "bn_hhat": [{"class_name": "BatchNormalization", "config": {"epsilon": 0.01}}],
        "built_Psi": True,
    }
    config = KPConvXLayer(**given).get_config()
    assert {key: config[key] for key in given} == given
    assert KPConvXLayer.from_config(config).get_config() == config


def test_numpy_arguments_become_plain_numbers():
    layer = KPConvXLayer(
        blocks=np.int64(2), sigma=np.float32(0.5), shell_radii=np.array([0, 1.0]), shell_points=np.array([1, 4])
    )
    config = json.loads(json.dumps(layer.get_config()))
    assert (config["blocks"], config["sigma"], config["shell_radii"], config["shell_points"]) == (2, 0.5, [0, 1], [1, 4])


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"block": 2}, "no argument block; known are blocks, drop_path, .*built_bhat.*trainable"),
        ({"blocks": 0}, "blocks must be an integer >= 1; found 0"),
        ({"blocks": 1.5}, "blocks must be an integer >= 1; found 1.5"),
        ({"drop_path": 1.1}, r"drop_path must be a number in \[0, 1\]; found 1.1"),
        ({"sigma": 0}, "sigma must be a number finite and > 0; found 0"),
        ({"sigma": "1"}, "sigma must be a number"),
        ({"DH": 0}, "DH must be an integer >= 1; found 0"),
        ({"groups": 0}, "groups must be an integer >= 1; found 0"),
        ({"bn_momentum": -0.1}, r"bn_momentum must be a number in \[0, 1\]"),
        ({"drop_path": float("nan")}, r"drop_path must be a number in \[0, 1\]; found nan"),
        ({"shell_radii": [0, 1]}, r"shell_radii and shell_points .* same length.*found shell_radii=\[0, 1\] and"),
        ({"shell_radii": 1.0, "shell_points": 1}, "must be lists"),
        ({"shell_radii": [0, "far", 1]}, r"shell_radii must be numbers; found shell_radii=\[0, 'far', 1\]"),
        ({"shell_points": [1, 7, 13.5]}, "shell_points must be integers >= 1; found shell_radii="),
        ({"shell_points": [2, 7, 13]}, r"radius 0 has exactly one point; found .*shell_points=\(?\[2, 7, 13\]"),
        ({"bn_phi": []}, r"bn_phi must be None or a list of blocks=1 BatchNormalization; found \[\]"),
        ({"blocks": 2, "bn_phi": [NORM]}, "bn_phi must be None or a list of blocks=2 BatchNormalization"),
        ({"bn_hhat": [keras.layers.ReLU()]}, r"bn_hhat\[0\] must be a BatchNormalization layer; found <ReLU"),
        ({"bn_hhat": [NORM | {"config": {"renorm": True}}]}, r"renorm of bn_hhat\[0\] must be False.*found True"),
        ({"bn_phi": [NORM | {"config": {"synchronized": True}}]}, r"synchronized of bn_phi\[0\] must be False"),
        ({"bn_phi": [keras.layers.BatchNormalization(synchronized=True)]}, r"synchronized of bn_phi\[0\] must be False"),
        ({"bn_phi": [keras.layers.BatchNormalization(axis=1)]}, r"axis of bn_phi\[0\] must be -1 or 2.*found 1"),
        ({"bn_phi": [keras.layers.BatchNormalization(dtype="float16")]}, r"bn_phi\[0\] must be float32.*found float16"),
        ({"activation": keras.layers.ReLU(dtype="float64")}, "activation must be float32.*found float64"),
        ({"activation": "no_such"}, "activation must name a Keras function or layer; found 'no_such'"),
        ({"activation": 3}, "activation must be a layer, a function or the name of one; found 3"),
        ({"activation": keras.layers.PReLU()}, "without weights"),
        ({"initializer": "no_such"}, "initializer.*no_such"),
        ({"dtype": "float16"}, "the dtype of KPConvXLayer must be float32 or float64; found float16"),
        ({"dtype": "mixed_float16"}, "the dtype of KPConvXLayer must be float32 or float64; found mixed_float16"),
    ],
)
def test_bad_arguments_are_refused(settings, message):
    with pytest.raises((ValueError, TypeError), match=message):
        KPConvXLayer(**settings)


@pytest.mark.parametrize(
    "shapes, message",
    [
        (SHAPES[:2], "inputs must be X"),
        ([(None, 3), *SHAPES[1:]], "inputs must be X"),
        ([(None, None, 2), *SHAPES[1:]], "last dimension of X must be 3"),
        ([SHAPES[0], (None, None, None), SHAPES[2]], "must be known and a multiple of groups=8"),
        ([SHAPES[0], (None, None, 12), SHAPES[2]], "must be known and a multiple of groups=8"),
    ],
)
def test_bad_shapes_are_refused(shapes, message):
    with pytest.raises(ValueError, match=message):
        KPConvXLayer().build(shapes)


@pytest.mark.parametrize("bad", [-1, 20])
@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_an_index_out_of_range_is_an_error_that_names_its_place(bad, dtype):
    x, f, n = cloud()
    n = n.astype(dtype)
    n[1, 4, 2] = bad
    with pytest.raises(tf.errors.InvalidArgumentError, match=rf"(?s)outside \[0, R\).*1, 4, 2.*{bad}.*20"):
        built()([x, f, n])


def test_indices_that_are_no_integers_are_refused():
    x, f, n = cloud()
    with pytest.raises(TypeError, match="N must be int32 or int64; found float32"):
        built()([x, f, n.astype("float32")])


def test_weights_come_in_the_documented_order():
    names = ["W", "Phi", "phi", "Psi", "psi", "Atilde", "btilde", "Ahat", "bhat"]
    norms = ["gamma", "beta", "moving_mean", "moving_variance"] * 6
    assert [w.name for w in built(blocks=2).weights] == [*names, "Q", *norms]
    assert [w.name for w in built(blocks=2, deformable=True).weights] == ["Q", *names, *norms]


def test_a_layer_made_untrainable_has_no_trainable_weights():
    layer = built(trainable=False, bn_phi=[keras.layers.BatchNormalization()])
    assert not any(weight.trainable for weight in layer.bn_phi[0].weights)
    assert layer.trainable_weights == []


def test_tensors_of_the_same_shape_start_differently():
    layer = built(initializer=keras.initializers.GlorotUniform())
    assert not np.array_equal(layer.phi, layer.bhat)


def test_the_lowest_of_tied_kernel_points_is_nearest():
    layer = built(shell_radii=[1.0], shell_points=[2])
    x = np.zeros((1, 1, 3), "float32")
    stages = layer.stages([x, np.ones((1, 1, 8), "float32"), np.zeros((1, 1, 1), "int32")])
    assert stages["k"].numpy().item() == 0


def test_gradients_are_finite_and_zero_at_zero_distance():
    layer = built(deformable=True)
    x, f = tf.zeros((1, 1, 3)), tf.ones((1, 1, 8))
    with tf.GradientTape() as tape:
        tape.watch([x, f])
        loss = tf.reduce_sum(tf.square(layer([x, f, tf.zeros((1, 1, 1), tf.int32)])))
    watched = [weight.value for weight in layer.trainable_weights]
    gradients = [tf.convert_to_tensor(gradient) for gradient in tape.gradient(loss, [x, f, *watched])]
    assert all(np.all(np.isfinite(gradient)) for gradient in gradients)
    assert not np.any(gradients[0]) and not np.any(gradients[2])
    assert np.any(gradients[1])


def test_gradients_equal_differences_of_the_oracle():
    rng = np.random.default_rng(3)
    x, f, n = cloud(batch=1, points=6)
    layer = built(blocks=2, deformable=True, dtype="float64", activation="gelu")
    layer.set_weights([w + rng.normal(0.0, 0.2, w.shape) ** 2 for w in layer.get_weights()])
    leaves = [tf.constant(x, "float64"), tf.constant(f, "float64")]
    target = rng.standard_normal(f.shape)
    with tf.GradientTape() as tape:
        tape.watch(leaves)
        loss = tf.reduce_sum(layer([*leaves, n]) * target)
    trainable = [weight.value for weight in layer.trainable_weights]
    gradients = tape.gradient(loss, [*leaves, *trainable])
    places = {id(weight): i for i, weight in enumerate(layer.weights)}
    arrays = [x.astype("float64"), f.astype("float64"), *(np.array(w, "float64") for w in layer.get_weights())]
    positions = [0, 1, *(2 + places[id(weight)] for weight in layer.trainable_weights)]

    def oracle_loss():
        return np.sum(oracle.kpconvx(layer.get_config(), arrays[2:], arrays[0], arrays[1], n)["block_1/F"] * target)

    for position, gradient in zip(positions, gradients):
        array, gradient = arrays[position], tf.convert_to_tensor(gradient).numpy()
        for index in rng.integers(0, array.shape, (2, array.ndim)):
            index, step = tuple(index), 1e-6
            middle = array[index]
            array[index] = middle + step
            above = oracle_loss()
            array[index] = middle - step
            below = oracle_loss()
            array[index] = middle
            expected = (above - below) / (2 * step)
            assert gradient[index] == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_training_normalizes_by_the_batch_and_moves_the_averages():
    layer = built(bn_momentum=0.7)
    x, f, n = cloud()
    z = f @ layer.Phi[0] + layer.phi[0]
    layer([x, f, n], training=True)
    norm = layer.bn_phi[0]
    np.testing.assert_allclose(norm.moving_mean, 0.3 * np.mean(z, axis=(0, 1)), atol=1e-5)
    np.testing.assert_allclose(norm.moving_variance, 0.7 + 0.3 * np.var(z, axis=(0, 1)), atol=1e-5)


def test_fit_trains_every_weight_and_keeps_constraints():
    x, f, n = cloud(batch=4)
    inputs = [keras.Input(shape[1:], dtype=d) for shape, d in zip(SHAPES, ("float32", "float32", "int32"))]
    layer = KPConvXLayer(DH=12, groups=4, deformable=True, constraint="non_neg", regularizer="l2")
    model = keras.Model(inputs, layer(inputs))
    model.compile(keras.optimizers.SGD(0.1), "mse")
    before = layer.get_weights()
    model.fit([x, f, n], np.zeros_like(f), verbose=0)
    after = layer.get_weights()
    unchanged = {w.path for w, old, new in zip(layer.weights, before, after) if np.array_equal(old, new)}
    # A bias in front of a batch normalization has no effect, but its regularizer moves it.
    assert not unchanged
    assert all(np.all(weight >= 0) for weight in after[1:10])
    assert len(layer.losses) == 9
    assert sum(layer.losses).numpy() == pytest.approx(0.01 * sum(np.sum(w**2) for w in after[1:10]), rel=1e-5)


def test_a_layer_frozen_later_trains_nothing():
    x, f, n = cloud()
    layer = built(regularizer="l2", deformable=True, bn_phi=[keras.layers.BatchNormalization()])
    layer([x, f, n], training=True)
    assert len(layer.losses) == 9 and len(layer.trainable_weights) == 16
    layer.trainable = False
    before = layer.get_weights()
    trained = layer([x, f, n], training=True)
    assert layer.losses == [] and layer.trainable_weights == []
    assert all(np.array_equal(old, new) for old, new in zip(before, layer.get_weights()))
    np.testing.assert_array_equal(trained, layer([x, f, n]))


def test_the_stages_of_training_are_those_of_the_call():
    x, f, n = cloud()
    layer = built(blocks=2, drop_path=1, bn_momentum=0.5)
    before = layer.get_weights()
    stages = layer.stages([x, f, n], training=True)
    moved = layer.get_weights()
    layer.set_weights(before)
    np.testing.assert_array_equal(stages["block_1/F"], layer([x, f, n], training=True))
    assert all(np.array_equal(once, again) for once, again in zip(moved, layer.get_weights()))
    assert not np.allclose(stages["block_0/u"], layer.stages([x, f, n])["block_0/u"])
    np.testing.assert_array_equal(stages["block_0/F"], f)
    assert np.any(stages["block_0/v"])


def frozen(drop_path, **settings):
    """A layer whose normalizations stay in inference, so that training differs by the dropped paths alone."""
    keras.utils.set_random_seed(1)
    return built(drop_path=drop_path, trainable=False, **settings)


def test_drop_path_of_0_and_1():
    x, f, n = cloud(batch=2000, points=2, neighbours=2)
    keep, drop = frozen(0), frozen(1)
    np.testing.assert_array_equal(keep([x, f, n], training=True), keep([x, f, n]))
    np.testing.assert_array_equal(drop([x, f, n], training=True), f)
    assert not np.array_equal(drop([x, f, n]), f)


@pytest.mark.parametrize("compiled", [False, True])
def test_drop_path_drops_whole_batch_elements_and_scales_the_others(compiled):
    x, f, n = cloud(batch=100, points=2, neighbours=2)
    layer = frozen(0.3)
    call = tf.function(layer) if compiled else layer
    v = layer([x, f, n]).numpy() - f
    drawn = []
    for _ in range(20):
        trained = call([x, f, n], training=True).numpy() - f
        dropped = ~np.any(trained, axis=(1, 2))
        np.testing.assert_allclose(trained[~dropped], v[~dropped] / 0.7, rtol=1e-4, atol=1e-5)
        drawn.append(dropped)
    # Of 2,000 draws, five standard deviations.
    assert np.mean(drawn) == pytest.approx(0.3, abs=0.05)
    assert np.std(drawn, axis=0).min() > 0, "some element is always dropped or never"
    assert len({tuple(dropped) for dropped in drawn}) == 20


def test_each_block_is_dropped_by_itself():
    x, f, n = cloud(batch=2000, points=2, neighbours=2)
    stages = frozen(0.3, blocks=2).stages([x, f, n], training=True)
    first = np.any(stages["block_0/F"] != f, axis=(1, 2))
    second = np.any(stages["block_1/F"] != stages["block_0/F"], axis=(1, 2))
    for a, b, expected in ((0, 0, 0.09), (0, 1, 0.21), (1, 0, 0.21), (1, 1, 0.49)):
        assert np.mean((first == a) & (second == b)) == pytest.approx(expected, abs=0.055)


@pytest.mark.parametrize("activation", [None, "LeakyReLU", {"class_name": "LeakyReLU", "config": {"alpha": 0.2}}])
def test_a_layer_in_float64_computes_nothing_in_float32(activation):
    norm = {"class_name": "BatchNormalization", "config": {"axis": [2], "epsilon": 1e-3}}
    layer = built(dtype="float64", activation=activation, bn_phi=[norm])
    x, f, n = (array.astype("float64") if array.dtype == np.float32 else array for array in cloud())
    weights = [np.asarray(weight) for weight in layer.weights]
    assert {w.dtype.name for w in weights} == {"float64"}
    config = layer.get_config() | {"activation": keras.layers.serialize(layer.activation)}
    expected = oracle.kpconvx(config, weights, x, f, n)["block_0/F"]
    parts = [layer.activation, *layer.bn_phi, *layer.bn_htilde, *layer.bn_hhat]
    assert {part.compute_dtype for part in parts} == {"float64"}
    # TensorFlow holds the slope of its LeakyRelu as float32, whatever it computes in.
    np.testing.assert_allclose(layer([x, f, n]), expected, rtol=0, atol=1e-7)


def test_shapes_may_be_unknown_until_the_call():
    layer = built()
    function = tf.function(
        lambda x, f, n: layer([x, f, n]),
        input_signature=[tf.TensorSpec(s, d) for s, d in zip(SHAPES, (tf.float32, tf.float32, tf.int32))],
    )
    for batch, points, neighbours in ((1, 1, 1), (3, 20, 6)):
        x, f, n = cloud(batch, points, neighbours)
        np.testing.assert_allclose(function(x, f, n), layer([x, f, n], mask=None), atol=1e-5)
