import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from kpconvx_compat.backend import KERAS_2, keras  # noqa: E402

# Keras 2 serves to write files in its formats; everything but layers is tested in Keras 3, what has no versions of Keras
# for its subject in the newest alone.
TF_KERAS = keras.__name__ == "tf_keras"  # VL3D never wrote files with it
KERAS_2_TOO = {"test_keras2.py": KERAS_2, "test_vl3d.py": not TF_KERAS, "test_core.py": True}
NEWEST = tuple(map(int, keras.__version__.split(".")[:2])) >= (3, 15)
NEWEST_ALONE = {"test_aerial.py", "test_hierarchical.py", "test_benchmark.py", "test_port.py"}
collect_ignore = [
    path.name
    for path in Path(__file__).parent.glob("test_*.py")
    if not KERAS_2_TOO.get(path.name, not KERAS_2) or (path.name in NEWEST_ALONE and not NEWEST)
]
