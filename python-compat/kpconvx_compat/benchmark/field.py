"""The field of contenders: how each is started, and how its times are read."""

import dataclasses
import importlib.util
import json
import sys
import tempfile
from pathlib import Path

from kpconvx_compat.benchmark.processes import run

PACKAGE = "io.github.kpconvx.benchmark"


class NotRun(Exception):
    """A contender that is not there, with the reason."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """How long and on what a process measures.

    Attributes:
        processors: set of the processors it may use.
        warm_up, seconds: how long it runs before, and while, it is timed, for each workload.
        timeout: seconds for each workload until it is killed.
        cache: folder for what compilers keep between processes.
    """

    processors: frozenset
    warm_up: float = 1.0
    seconds: float = 2.0
    timeout: float = 240.0
    cache: Path = Path(tempfile.gettempdir()) / "kpconvx-benchmark"


@dataclasses.dataclass(frozen=True)
class Measured:
    """What a process measured: by workload's name the times in ms; and the processors it kept busy."""

    times: dict
    busy: float


@dataclasses.dataclass(frozen=True)
class PythonContender:
    """One of :mod:`contenders`, in a process of this interpreter.

    Attributes:
        name: its name, there too.
        title: what it is, for a reader.
        modules: what must be installed for it.
    """

    name: str
    title: str
    modules: tuple

    def measure(self, directories, plan):
        """Measured. Raises NotRun if a module is missing, RuntimeError if it fails or is wrong."""
        missing = [module for module in self.modules if importlib.util.find_spec(module) is None]
        if missing:
            raise NotRun(f"{', '.join(missing)} not installed; use the environment `benchmark`")
        command = [sys.executable, "-m", "kpconvx_compat.benchmark.measure", self.name, *directories]
        command += ["--warm-up", plan.warm_up, "--seconds", plan.seconds]
        finished = run(command, plan.processors, plan.timeout * len(directories), environment(plan))
        lines = [json.loads(line) for line in finished.output.splitlines() if line.startswith("{")]
        times = {line["workload"]: line["times_ms"] for line in lines}
        return _complete(times, directories, finished)


@dataclasses.dataclass(frozen=True)
class JavaContender:
    """One of the benchmarks in src/jmh.

    Attributes:
        name, title: as in Python.
        benchmark: class of the benchmark.
        parameter: its name there, or None.
        classpath: file that holds the class path.
    """

    name: str
    title: str
    benchmark: str
    parameter: str | None
    classpath: Path

    def measure(self, directories, plan):
        """Measured. Raises NotRun without a class path, RuntimeError if it fails or is wrong."""
        with tempfile.TemporaryDirectory() as scratch:
            results = Path(scratch) / "results.json"
            command = java(self.classpath, "org.openjdk.jmh.Main", f"{PACKAGE}.{self.benchmark}")
            command += ["-p", "workload=" + ",".join(str(Path(directory).resolve()) for directory in directories)]
            command += ["-p", f"contender={self.parameter}"] if self.parameter else []
            command += ["-foe", "true", "-f", "1", "-bm", "sample", "-tu", "ms", "-rf", "json", "-rff", results]
            for flag, seconds in (("w", plan.warm_up), ("r", plan.seconds)):
                parts = max(1, round(seconds))  # iterations of about a second
                command += [f"-{flag}i" if flag == "w" else "-i", parts, f"-{flag}", f"{round(1000 * seconds / parts)}ms"]
            # DJL looks for what it unpacked below target, from the repository's root.
            root = self.classpath.resolve().parents[2]
            finished = run(command, plan.processors, plan.timeout * len(directories), environment(plan), root)
            found = json.loads(results.read_text(encoding="utf-8") or "[]") if results.exists() else []
        times = {}
        for result in found:
            (iterations,) = result["primaryMetric"]["rawDataHistogram"]
            # Each run's time, as in Python, and how many runs took it.
            runs = [time for iteration in iterations for time, count in iteration for _ in range(count)]
            times[Path(result["params"]["workload"]).name] = runs
        return _complete(times, directories, finished)


# As the command line sets them and README.md recommends: JavaCPP's account of memory takes a third of the time that loading
# takes, its search for CUDA's libraries a quarter second.
JAVACPP = ("-Dorg.bytedeco.javacpp.maxPhysicalBytes=0", "-Dorg.bytedeco.javacpp.platform.extension=-none")


def java(classpath, main, *arguments):
    """The command that runs a class; raises NotRun if the file with the class path is missing."""
    if not Path(classpath).exists():
        raise NotRun(f"{classpath} is missing; README.md of python-compat tells what writes it")
    return ["java", *JAVACPP, "-cp", Path(classpath).read_text(encoding="utf-8").strip(), main, *arguments]


def contenders(target):
    """All contenders by name, in the order they take turns. target: folder of the class paths."""
    common, djl = Path(target) / "classpath.txt", Path(target) / "classpath-djl.txt"
    tensorflow, torch = ("tensorflow", "keras"), ("torch",)
    field = [
        PythonContender("keras", "this project's reference layer in Keras, tf.function", tensorflow),
        PythonContender("keras-direct", "the formulas written down in Keras, tf.function", tensorflow),
        PythonContender("keras-xla", "the reference layer in Keras, jit_compile", tensorflow),
        PythonContender("torch", "PyTorch, eager", torch),
        PythonContender("torch-compiled", "PyTorch, torch.compile", torch),
        PythonContender("onnxruntime", "ONNX Runtime in Python", ("onnxruntime",)),
        PythonContender("onnxruntime-direct", "the steps of apple/ml-kpconvx, in ONNX Runtime", ("onnxruntime",)),
        JavaContender("java-plain", "this port, Keras's order of operations", "LayerBenchmark", "plain", common),
        JavaContender("java-folded", "this port, its default", "LayerBenchmark", "folded", common),
        JavaContender("java-compiled", "this port, compiled", "LayerBenchmark", "compiled", common),
        JavaContender("java-session", "its compiled graph in a bare session", "LayerBenchmark", "session", common),
        JavaContender(
            "java-session-folded", "its default graph in a bare session", "LayerBenchmark", "session-folded", common
        ),
        JavaContender("java-savedmodel", "the SavedModel in TensorFlow Java", "LayerBenchmark", "savedmodel", common),
        JavaContender("java-onnxruntime", "ONNX Runtime in Java", "LayerBenchmark", "onnxruntime", common),
        JavaContender("java-djl", "the SavedModel in DJL", "DjlBenchmark", None, djl),
        PythonContender("floor", "the four matrix products and activations alone, TensorFlow", tensorflow),
    ]
    return {contender.name: contender for contender in field}


def environment(plan):
    """The variables that every process gets."""
    return {
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "PYTHONWARNINGS": "ignore",
        "TORCHINDUCTOR_CACHE_DIR": str(plan.cache / "inductor"),
    }


def _complete(times, directories, finished):
    absent = [name for name in (Path(directory).name for directory in directories) if not times.get(name)]
    if finished.status or absent:
        raise RuntimeError(finished.reason())
    return Measured(times, finished.busy)
