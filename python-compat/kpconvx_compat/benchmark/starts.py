"""Cold starts and the stages of the demo: processes that print one line of JSON with their own times."""

import dataclasses
import json
import statistics
import sys
from pathlib import Path

from kpconvx_compat.benchmark import cold_start
from kpconvx_compat.benchmark.demo_stages import FORMS as DEMO_FORMS
from kpconvx_compat.benchmark.field import PACKAGE, NotRun, environment, java
from kpconvx_compat.benchmark.processes import run

JAVA_FORMS = ("folded", "compiled", "savedmodel", "onnxruntime")
SINCE = "since_start_ms"


@dataclasses.dataclass(frozen=True)
class Start:
    """A command that is made when it is its turn: `command()` may raise NotRun."""

    name: str
    command: object


def cold_starts(directory, target):
    """Those of one workload's folder."""
    directory = Path(directory).resolve()
    found = [
        Start(
            f"python-{form}",
            lambda form=form: _needing(
                directory, form, [sys.executable, "-m", "kpconvx_compat.benchmark.cold_start", form, directory]
            ),
        )
        for form in cold_start.FORMS
    ]
    return found + [
        Start(
            f"java-{form}",
            lambda form=form: _needing(
                directory, form, java(Path(target) / "classpath.txt", f"{PACKAGE}.ColdStart", directory, form)
            ),
        )
        for form in JAVA_FORMS
    ]


def _needing(directory, form, command):
    if form == "onnxruntime" and not (directory / "model.onnx").exists():
        raise NotRun(f"{directory.name} has no model.onnx")
    return command


def demos(shipped, target):
    """Those of the demo, on the shipped model and scene."""
    out = Path(target) / "demo.las"
    found = [
        Start(
            f"python-{form}",
            lambda form=form: [sys.executable, "-m", "kpconvx_compat.benchmark.demo_stages", form, shipped, out],
        )
        for form in DEMO_FORMS
    ]
    return found + [Start("java", lambda: java(Path(target) / "classpath.txt", "io.github.kpconvx.cli.DemoStages", shipped, out))]


def take_turns(starts, plan, rounds, say=lambda line: None):
    """By name: the median of each time over the rounds and `rounds`, what was printed in each; or `reason`."""
    printed, reasons = {start.name: [] for start in starts}, {}
    for number in range(1, rounds + 1):
        for start in starts:
            if start.name in reasons:
                continue
            try:
                finished = run(start.command(), plan.processors, plan.timeout, environment(plan))
                lines = [line for line in finished.output.splitlines() if line.startswith("{")]
                if finished.status or not lines:
                    if "ClassNotFoundException" in finished.errors:
                        raise NotRun(finished.reason())
                    raise RuntimeError(finished.reason())
                times = json.loads(lines[-1])
                if "since_jvm_start_ms" in times:
                    times[SINCE] = times.pop("since_jvm_start_ms")
                printed[start.name].append(times)
                say(f"round {number} of {rounds}: {start.name}: {json.dumps(times)}")
            except (NotRun, RuntimeError) as error:
                kind = "not run" if isinstance(error, NotRun) else "failed"
                reasons[start.name] = f"{kind}: {error}"
                say(f"round {number} of {rounds}: {start.name}: {reasons[start.name]}")
    return {
        name: {"reason": reasons[name]} if name in reasons else {**_medians(times), "rounds": times}
        for name, times in printed.items()
    }


def _medians(times):
    return {
        key: statistics.median(each[key] for each in times)
        for key, value in times[0].items()
        if isinstance(value, (int, float))
    }
