"""``python -m kpconvx_compat.benchmark.cold_start FORM DIRECTORY``: how long a new Python takes to its first answer.

Prints a line of JSON: ``load_ms``, to load the model with the engine imported; ``first_answer_ms`` after that;
``since_start_ms``, from the start of the process to the answer, with Python's own start and all imports.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

FORMS = ("keras", "savedmodel", "onnxruntime")


def since_start_ms():
    """How long this process has been running, to a hundredth of a second."""
    ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    return (time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")) * 1e3


def loader(form):
    """Imports an engine; returns a function from a model's path to a function of X, F, N to an array."""
    if form == "onnxruntime":
        import onnxruntime

        def load(path):
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = len(os.sched_getaffinity(0))
            session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
            return lambda x, f, n: session.run(None, {"X": x, "F": f, "N": n})[0]

    elif form == "keras":
        import keras

        from kpconvx_compat import layer  # noqa: F401, registers the layer

        def load(path):
            model = keras.models.load_model(path)
            return lambda x, f, n: model([x, f, n], training=False).numpy()

    else:
        import tensorflow as tf

        def load(path):
            signature = tf.saved_model.load(path).signatures["serving_default"]

            def call(x, f, n):
                (answer,) = signature(X=tf.constant(x), F=tf.constant(f), N=tf.constant(n)).values()
                return answer.numpy()

            return call

    return load


MODEL = {"keras": "model.keras", "savedmodel": "model", "onnxruntime": "model.onnx"}


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m kpconvx_compat.benchmark.cold_start")
    parser.add_argument("form", choices=FORMS)
    parser.add_argument("directory", type=Path)
    options = parser.parse_args(arguments)
    import numpy as np

    from kpconvx_compat.benchmark import workload

    inputs = dict(np.load(options.directory / "inputs.npz"))
    right = np.load(options.directory / "outputs.npz")["output_0"]
    load = loader(options.form)
    start = time.perf_counter()
    call = load(str(options.directory / MODEL[options.form]))
    loaded = time.perf_counter()
    answer = call(*(inputs[key] for key in "XFN"))
    answered, since = time.perf_counter(), since_start_ms()
    wrong = workload.disagreement(answer, right)
    if wrong:
        print(f"ValueError: {wrong}", file=sys.stderr)
        return 1
    times = {"load_ms": (loaded - start) * 1e3, "first_answer_ms": (answered - loaded) * 1e3, "since_start_ms": since}
    print(json.dumps(times))
    return 0


if __name__ == "__main__":
    sys.exit(main())
