"""Reading models of VL3D's layers, with the variables that Keras's files do not hold."""

import shutil
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import tensorflow as tf

from kpconvx_compat import original
from kpconvx_compat.backend import KERAS_2, keras
from kpconvx_compat.vl3d import features, kpconv, rbf, regularizer
from kpconvx_compat.vl3d.common import Layer

CLASSES = (
    original.KPConvXLayer,
    kpconv.KPConvLayer,
    kpconv.StridedKPConvLayer,
    kpconv.LightKPConvLayer,
    kpconv.StridedLightKPConvLayer,
    features.FeaturesDownsamplingLayer,
    features.FeaturesUpsamplingLayer,
    features.GroupingPointNetLayer,
    features.FeaturesStructuringLayer,
    features.HourglassLayer,
    rbf.RBFFeatExtractLayer,
    rbf.RBFFeatProcessingLayer,
    regularizer.FeaturesOrthogonalRegularizer,
)
CUSTOM_OBJECTS = {cls.__name__: cls for cls in CLASSES}


def load(path, bare=None):
    """The model of a `.keras`, an HDF5 file of any name, or a Keras 2 SavedModel; what was compiled is left out.

    bare: a folder of <layer>.<variable>.csv, whose values go to the bare variables.
    """
    path = Path(path)
    with tempfile.TemporaryDirectory() as folder:
        if path.is_file() and not zipfile.is_zipfile(path):
            # Keras chooses a reader by the name, and VL3D has called its HDF5 files `.keras` too.
            path = shutil.copy(path, Path(folder) / "model.h5")
        with keras.utils.custom_object_scope(CUSTOM_OBJECTS):
            model = keras.models.load_model(path, compile=False)
    if bare is not None:
        set_bare(model, bare)
    return model


def named_weights(layer):
    """The tensors of one of VL3D's layers by their names, in order of creation."""
    own = {id(weight) for weight in layer.weights} | {id(getattr(layer, name)) for name in layer.BARE}
    return {name: value for name, value in vars(layer).items() if id(value) in own}


def bare_variables(model):
    """The variables made past Keras, of a model in its order or of one layer, by <layer>.<variable>."""
    found = {}
    for layer in model.layers if isinstance(model, keras.Model) else [model]:
        names = layer.BARE if isinstance(layer, Layer) else ("Q",) if isinstance(layer, original.KPConvXLayer) else ()
        found |= {f"{layer.name}.{name}": getattr(layer, name) for name in names}
    return found


def set_bare(model, folder):
    """Reads the bare variables from <layer>.<variable>.csv; the shape is the variable's."""
    for name, variable in bare_variables(model).items():
        values = np.loadtxt(Path(folder) / f"{name}.csv", dtype="float32", ndmin=1)
        variable.assign(values.reshape(variable.shape))


def write_bare(model, folder):
    """Writes the bare variables of a model or a layer to <layer>.<variable>.csv, with all digits that float32 has.

    Where there are none, no folder is made.
    """
    for name, variable in bare_variables(model).items():
        Path(folder).mkdir(parents=True, exist_ok=True)
        np.savetxt(Path(folder) / f"{name}.csv", variable.numpy(), fmt="%.9g")


def feed(model, inputs):
    """The inputs of a model, arrays by name, in the structure in which it takes them."""
    arrays = [tf.convert_to_tensor(inputs[tensor.name]) for tensor in model.inputs]
    structure = model._nested_inputs if KERAS_2 else model._inputs_struct
    return _packed(structure, iter(arrays)) if len(arrays) > 1 else arrays[0]


def _packed(structure, arrays):
    if isinstance(structure, (list, tuple)):
        return [_packed(item, arrays) for item in structure]
    return next(arrays)
