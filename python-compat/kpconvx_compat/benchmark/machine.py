"""What the benchmark ran on."""

import datetime
import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path

PACKAGES = ("tensorflow-cpu", "keras", "numpy", "torch", "onnx", "onnxruntime", "onnxscript", "scipy")


def describe(classpaths=()):
    """The date, the machine, and the versions of everything; of Java and the jars only where they are there."""
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
        "java": _java(),
        "jars": sorted({jar for path in classpaths for jar in _jars(Path(path))}),
    }


def _processor():
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _version(name):
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _java():
    try:
        return subprocess.run(["java", "-version"], capture_output=True, text=True, check=True).stderr.splitlines()[0]
    except (OSError, subprocess.CalledProcessError):
        return None


def _jars(path):
    if not path.exists():
        return []
    entries = path.read_text(encoding="utf-8").strip().split(os.pathsep)
    return [Path(entry).name for entry in entries if entry.endswith(".jar")]
