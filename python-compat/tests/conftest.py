import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from kpconvx_compat.backend import KERAS_2  # noqa: E402

# Keras 2 serves to write files in its formats; everything else is tested in Keras 3.
collect_ignore = [
    path.name for path in Path(__file__).parent.glob("test_*.py") if (path.name == "test_keras2.py") != KERAS_2
]
