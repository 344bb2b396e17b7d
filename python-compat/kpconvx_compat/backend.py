"""The Keras that this package runs on.

It is `keras`, of version 3 or 2, or `tf_keras`, the Keras 2 for newer TensorFlows, where that is installed.
"""

import importlib.util

if importlib.util.find_spec("tf_keras"):
    import tf_keras as keras
else:
    import keras

KERAS_2 = keras.__version__.startswith("2.")
