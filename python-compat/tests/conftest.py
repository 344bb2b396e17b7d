import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from kpconvx_compat.backend import KERAS_2  # noqa: E402

# Keras 2 serves to write files in its formats; what the layer does is tested in Keras 3.
KERAS_3_TESTS = [
    "test_aerial.py",
    "test_cases.py",
    "test_golden.py",
    "test_initializer.py",
    "test_layer.py",
    "test_representation.py",
    "test_training.py",
]
collect_ignore = KERAS_3_TESTS if KERAS_2 else ["test_keras2.py"]
