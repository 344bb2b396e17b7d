"""``python -m kpconvx_compat.benchmark``: runs the comparison and writes its tables and pictures."""

import argparse
import json
import os
import sys
from pathlib import Path

from kpconvx_compat.benchmark import field, machine, rounds, starts, table
from kpconvx_compat.benchmark.placement import Placement, message_ns
from kpconvx_compat.benchmark.workload import SERIES, WORKLOADS, series

ROOT = Path(__file__).resolve().parents[3]
SERIES_CONTENDERS = ("keras", "keras-xla", "keras-direct", "torch-compiled", "onnxruntime", "java-folded", "java-compiled", "floor")
START_STEPS = ("load_ms", "first_answer_ms", "since_start_ms")


def main(arguments=None, contenders=None):
    """Runs the command; returns the exit status: 0, 1 for a failure, 2 for bad usage.

    contenders: function of the folder of the results to all contenders by name, as :func:`field.contenders`.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    everyone = (contenders or field.contenders)(options.target)
    try:
        chosen = _chosen(everyone, options.contenders, "contender")
        names = list(_chosen(WORKLOADS, options.workloads, "workload"))
        symbols = list(_chosen(SERIES, options.series, "series"))
    except ValueError as error:
        parser.error(str(error))
    if options.rounds < 1:
        parser.error(f"--rounds must be >= 1; found {options.rounds}")
    if not options.seconds > 0:
        parser.error(f"--seconds must be > 0; found {options.seconds:g}")
    if not options.warm_up > 0:
        parser.error(f"--warm-up must be > 0; found {options.warm_up:g}")
    try:
        _run(options, everyone, chosen, names, symbols)
        return 0
    except (OSError, ValueError, RuntimeError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 1


def _parser():
    parser = argparse.ArgumentParser(
        prog="python -m kpconvx_compat.benchmark",
        description="Times one KPConvX layer in Keras, PyTorch, ONNX Runtime and the Java port, in turn, on the same inputs. "
        "Writes results.json and results.md.",
        epilog=f"Contenders: {', '.join(field.contenders(Path()))}.",
    )
    parser.add_argument("--target", type=Path, default=ROOT / "target" / "benchmark", help="where workloads and results go")
    parser.add_argument("--workloads", default="S,T,M", help=f"of {', '.join(WORKLOADS)}; none for no table (default S,T,M)")
    parser.add_argument("--contenders", default="all", help="names with commas between them (default: all)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each contender has its turn (default 3)")
    parser.add_argument("--seconds", type=float, default=3.0, help="how long a turn is timed (default 3)")
    parser.add_argument("--warm-up", type=float, default=5.0, help="seconds that it runs before that (default 5)")
    parser.add_argument("--threads", choices=("one", "all"), default="all", help="processors that each may use")
    parser.add_argument("--series", default="none", help=f"of {', '.join(SERIES)}, or all: what varies around S, for the pictures")
    parser.add_argument("--plots", type=Path, metavar="FOLDER", help="where the pictures of the series go (default: --target)")
    parser.add_argument("--cold-start", action="store_true", help="time new processes to their first answer")
    parser.add_argument("--demo", action="store_true", help="time the stages of the demo")
    parser.add_argument("--prepare", action="store_true", help="only write the folders of the workloads")
    return parser


def _chosen(known, names, kind):
    """The part of a dict that a list names; `all` and `none` are what they say."""
    if names in ("all", "none"):
        return dict(known) if names == "all" else {}
    unknown = [name for name in names.split(",") if name not in known]
    if unknown:
        raise ValueError(f"unknown {kind} {', '.join(map(repr, unknown))}; known are {', '.join(known)}")
    return {name: known[name] for name in known if name in names.split(",")}


def _run(options, everyone, chosen, names, symbols):
    target = options.target.resolve()
    target.mkdir(parents=True, exist_ok=True)
    varied = {symbol: series(symbol) for symbol in symbols}
    workloads = {name: WORKLOADS[name] for name in names}
    workloads |= {work.name: work for works in varied.values() for work in works.values()}
    descriptions = _prepare(workloads.values(), target, options)
    if options.prepare:
        return
    available = os.sched_getaffinity(0)
    processors = frozenset({min(available)} if options.threads == "one" else available)
    plan = field.Plan(processors, options.warm_up, options.seconds, cache=target / "cache")
    placement = Placement(lambda: message_ns(processors))
    results = {
        "machine": machine.describe([target / "classpath.txt", target / "classpath-djl.txt"]),
        "threads": len(processors),
        "workloads": {},
    }
    sections = [_heading(results)]
    for name in names:
        say(f"{name}:")
        found = rounds.take_turns(chosen, [target / name], plan, options.rounds, say, placement)
        results["workloads"][name] = {"description": descriptions[name], "results": found}
        sections.append(table.workload_table(descriptions[name], found))
    short = field.Plan(processors, options.warm_up / 5, options.seconds / 3, cache=plan.cache)
    own = {name: chosen[name] for name in chosen if options.contenders != "all" or name in SERIES_CONTENDERS}
    if varied:
        works = {work.name: work for works in varied.values() for work in works.values()}
        say("series:")
        found = rounds.take_turns(own, [target / name for name in works], short, 1, say, placement)
        results["series"] = {"descriptions": {name: work.description() for name, work in works.items()}, "results": found}
        sections.append(_series(varied, found, options.plots or target))
    if options.cold_start:
        results["cold_start"] = {
            name: starts.take_turns(starts.cold_starts(target / name, target), plan, options.rounds, say)
            for name in ("S", "aerial")
        }
        for name, found in results["cold_start"].items():
            sections.append(f"### Cold start, {name}\n\n{table.steps_table(START_STEPS, found)}")
    if options.demo:
        from kpconvx_compat.benchmark.demo_stages import STAGES

        found = starts.take_turns(starts.demos(ROOT / "savedmodels" / "aerial", target), plan, options.rounds, say)
        results["demo"] = found
        sections.append(f"### The demo's stages\n\n{table.steps_table((*STAGES, starts.SINCE), found)}")
    text = "\n".join(sections)
    _replace(target / "results.json", json.dumps(results, indent=1) + "\n")
    _replace(target / "results.md", text)
    print(text)
    say(f"written: {target / 'results.json'}, {target / 'results.md'}")


def _prepare(workloads, target, options):
    """The workloads' descriptions by name, after their folders were written."""
    from kpconvx_compat.benchmark import prepare

    wanted = {work.name: work for work in workloads}
    if options.cold_start:
        wanted["S"] = WORKLOADS["S"]
    prepare.prepare(wanted.values(), target, say)
    if options.cold_start:
        prepare.prepare_aerial(ROOT / "savedmodels" / "aerial", target / "aerial")
    return {name: work.description() for name, work in wanted.items()}


def _heading(results):
    on, versions = results["machine"], results["machine"]["packages"]
    listed = ", ".join(f"{name} {version}" for name, version in versions.items() if version)
    return (
        f"{on['date']}, {on['processor']}, {on['cores']} cores, {on['memory_gib']} GiB, "
        f"{results['threads']} processor{'s' * (results['threads'] != 1)} for each contender; "
        f"Python {on['python']}, {listed}; {on['java'] or 'no Java'}.\n\n"
        "A time is the median over the rounds of each round's median; a ratio, the median of those within each round.\n"
    )


def _series(varied, found, folder):
    from kpconvx_compat.benchmark import plots

    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for symbol, works in varied.items():
        plots.plot(symbol, works, found, folder / f"benchmark_{symbol}.svg")
        head = ["µs/point", *(f"{symbol} = {value}" for value in works)]
        rows = []
        for name, result in found.items():
            times = [rounds.figure(result, work.name) for work in works.values()]
            cells = ["–" if time is None else table.number(time * 1e3 / work.all_points) for time, work in zip(times, works.values())]
            if "reason" in result:
                cells[0] = result["reason"].replace("|", "\\|")
            rows.append([f"`{name}`", *cells])
        lines.append(f"### Around S, by {symbol}\n\n{table.grid(head, rows)}")
    return "\n".join(lines)


def _replace(path, text):
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def say(line):
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
