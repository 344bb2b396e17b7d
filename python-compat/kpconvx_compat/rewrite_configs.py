"""Reads serialized objects and writes what Keras makes of them: python -m kpconvx_compat.rewrite_configs IN OUT

IN is a JSON list of serialized layers and initializers, in the form of Keras 3 or of Keras 2 (without a module). OUT gets
for each the configuration of the object that it describes, so that another implementation can tell whether what it wrote
was understood, down to the nested objects.
"""

import json
import sys
from pathlib import Path

from kpconvx_compat.backend import keras
from kpconvx_compat.initializer import FibonacciShellInitializer
from kpconvx_compat.layer import KPConvXLayer

OWN = {cls.__name__: cls for cls in (KPConvXLayer, FibonacciShellInitializer)}


def config(serialized):
    """The configuration of the object that a serialized one describes."""
    if "module" in serialized:
        made = keras.saving.deserialize_keras_object(serialized, custom_objects=OWN)
    else:
        cls = OWN.get(serialized["class_name"]) or getattr(keras.layers, serialized["class_name"])
        made = cls.from_config(serialized["config"])
    return made.get_config()


def main():
    source, target = map(Path, sys.argv[1:])
    target.write_text(json.dumps([config(serialized) for serialized in json.loads(source.read_text())]))


if __name__ == "__main__":
    main()
