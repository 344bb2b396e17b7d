import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from kpconvx_compat.backend import KERAS_2  # noqa: E402

# Keras 2 serves to write files in its formats; everything but VL3D's layers is tested in Keras 3.
KERAS_2_TOO = {"test_keras2.py": KERAS_2, "test_vl3d.py": True}
collect_ignore = [
    path.name
    for path in Path(__file__).parent.glob("test_*.py")
    if not KERAS_2_TOO.get(path.name, not KERAS_2)
]
