"""Golden data of a Keras model: what it computes for given inputs, for tests of whatever else is to compute the same.

    from kpconvx_compat.golden import write_golden
    write_golden(model, {"X": x, "F": f, "N": n}, "src/test/resources/my-model")
"""

import json
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from kpconvx_compat import oracle
from kpconvx_compat.export import export_saved_model, replacing, save_archive
from kpconvx_compat.layer import KPConvXBase
from kpconvx_compat.vl3d.files import write_bare


def write_golden(model, inputs, directory, *, atol=1e-5, rtol=1e-5, saved_model=False):
    """Writes a model and what it computes in inference, in all its stages, into a new directory.

    model: a functional or sequential model of Keras 3. inputs: arrays by the names of the model's inputs, or in their order;
    they are given the data types of the inputs, where numbers of the same kind allow it. atol, rtol: by how much another
    implementation may differ, atol + rtol·|golden|; they are carried along for the tests.

    The directory gets

        model.keras           the model
        saved_model/          its SavedModel with the configuration, if `saved_model`
        inputs.npz            the inputs, by the names of the input layers
        golden.npz            every stage in the order of the graph, then every output
        golden.json           versions, tolerance, and the names of what golden.npz holds: `stages`, `near_ties`, `outputs`
        kernel_points_….csv   for each layer that keeps its kernel points Q outside of Keras's weights, those points
        bare/                 <layer>.<variable>.csv for each such variable of a VL3D layer that has others than Q

    A stage is a layer's output, by the layer's name (`<layer>/output_0`, … for several), `#1`, `#2`, … behind it from the second call on; before it come the
    `<layer>/<stage>` of a nested model, where a stage is one of its layers in turn, and of a KPConvX layer of this package, as its method `stages` tells, and `<layer>/near_tie`, true for
    the points (B, R) where rounding may decide which kernel point is nearest. Outputs are `output_0`, … or the keys of a
    model that gives a dict.

    Raises FileExistsError if the directory exists, TypeError for a model that is no graph of layers, ValueError for
    inputs that the model does not take. Nothing appears at `directory` before it is complete.
    """
    directory = Path(directory)
    if directory.exists():
        raise FileExistsError(f"golden data goes to a new directory; {directory} exists")
    graph = _graph(model)
    if graph is None:
        raise TypeError(
            "golden data needs a functional model, or a sequential one that knows its input; "
            f"found {model.__class__.__name__}"
        )
    arrays = _inputs(graph, inputs)
    stages, near_ties = {}, {}
    _record(graph, list(arrays.values()), "", stages, near_ties)
    outputs = _outputs(graph, list(arrays.values()))
    for name, output in outputs.items():
        if name in stages and not np.array_equal(stages[name], output, equal_nan=True):
            raise ValueError(f"an output and another layer are both named {name}")

    with replacing(directory) as partial:
        save_archive(model, partial / "model.keras")
        if saved_model:
            export_saved_model(model, partial / "saved_model")
        np.savez(partial / "inputs.npz", **arrays)
        np.savez_compressed(partial / "golden.npz", **{**stages, **near_ties, **outputs})
        description = {
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
            "numpy": np.__version__,
            "atol": float(atol),
            "rtol": float(rtol),
            "stages": list(stages),
            "near_ties": list(near_ties),
            "outputs": list(outputs),
            "kernel_points": _write_kernel_points(graph, partial),
        }
        for layer in _layers(graph):
            if set(getattr(layer, "BARE", ())) - {"Q"}:
                write_bare(layer, partial / "bare")
        (partial / "golden.json").write_text(json.dumps(description, indent=1) + "\n")


def _graph(model):
    """The graph of layers that a model is; a sequential model that knows its input holds one."""
    graph = getattr(model, "_functional", None) or model
    return graph if isinstance(model, keras.Model) and hasattr(graph, "_nodes_by_depth") else None


def _inputs(graph, given):
    tensors = {tensor._keras_history.operation.name: tensor for tensor in graph.inputs}
    if not isinstance(given, dict):
        given = list(given) if isinstance(given, (list, tuple)) else [given]
        if len(given) != len(tensors):
            raise ValueError(f"the model takes {len(tensors)} inputs, {list(tensors)}; found {len(given)}")
        given = dict(zip(tensors, given))
    if given.keys() != tensors.keys():
        raise ValueError(f"the model takes the inputs {list(tensors)}; found {list(given)}")
    return {name: _input(name, tensor, np.asarray(given[name])) for name, tensor in tensors.items()}


def _input(name, tensor, array):
    fits = array.ndim == len(tensor.shape) and all(
        size in (None, found) for size, found in zip(tensor.shape, array.shape)
    )
    if not fits or not np.can_cast(array.dtype, tensor.dtype, casting="same_kind"):
        raise ValueError(
            f"the input {name} is {tensor.dtype} of shape {tuple(tensor.shape)}; found {array.dtype} of shape {array.shape}"
        )
    return array.astype(tensor.dtype)


def _calls(graph):
    """Every call of a layer in the order of the graph, as its name and the node that stands for it."""
    nodes = [node for depth in sorted(graph._nodes_by_depth, reverse=True) for node in graph._nodes_by_depth[depth]]
    inside = {id(node) for node in nodes}
    names = {}
    for operation in graph.operations:
        # A layer may have been called outside of this model too; its configuration counts the calls inside.
        own = [node for node in operation._inbound_nodes if id(node) in inside]
        for i, node in enumerate(own):
            names[id(node)] = operation.name if i == 0 else f"{operation.name}#{i}"
    return [(names[id(node)], node) for node in nodes if not node.is_input]


def _record(graph, given, prefix, stages, near_ties):
    """Adds the stages of a graph that is called with arrays or tensors."""
    calls = _calls(graph)
    wanted = {id(tensor): tensor for _, node in calls for tensor in (*node.input_tensors, *node.outputs)}
    computed = keras.Model(graph.inputs, list(wanted.values()))(given, training=False)
    values = dict(zip(wanted, computed))
    for name, node in calls:
        name, layer, inputs = prefix + name, node.operation, [values[id(tensor)] for tensor in node.input_tensors]
        if isinstance(layer, KPConvXBase):
            stages.update({f"{name}/{stage}": _array(value) for stage, value in layer.stages(inputs).items()})
            near_ties[f"{name}/near_tie"] = oracle.near_tie(_array(layer.Q), _array(inputs[0]), _array(inputs[2]))
        elif _graph(layer) is not None:
            _record(_graph(layer), inputs, f"{name}/", stages, near_ties)
        for i, tensor in enumerate(node.outputs):
            stages[name if len(node.outputs) == 1 else f"{name}/output_{i}"] = _array(values[id(tensor)])


def _outputs(graph, feed):
    outputs = graph(keras.tree.pack_sequence_as(graph._inputs_struct, feed), training=False)
    if isinstance(outputs, (list, tuple)):
        outputs = {f"output_{i}": output for i, output in enumerate(outputs)}
    elif not isinstance(outputs, dict):
        outputs = {"output_0": outputs}
    return {name: _array(output) for name, output in outputs.items()}


def _array(tensor):
    return keras.ops.convert_to_numpy(tensor)


def _layers(graph):
    """The layers and, in place of nested models, theirs."""
    for layer in graph.layers:
        yield from [layer] if _graph(layer) is None else _layers(_graph(layer))


def _write_kernel_points(graph, directory):
    """Writes the points Q that a layer holds as a bare variable, as model.keras does not; gives the files' names."""
    files = {}
    for layer in _layers(graph):
        points = getattr(layer, "Q", None)
        if isinstance(points, tf.Variable):
            files[layer.name] = f"kernel_points_{len(files)}.csv"
            np.savetxt(directory / files[layer.name], points.numpy(), fmt="%.9g")
    return files
