"""``python -m kpconvx_compat.benchmark.measure CONTENDER DIRECTORY…``: times a contender in this process.

Prints for each folder a line of JSON: ``workload``, the folder's name; ``times_ms``, one for each run. Ends with one line
on standard error and exit status 1 if an answer is not the oracle's, and then has timed nothing of that folder.
"""

import argparse
import json
import sys
import time
from pathlib import Path

LEAST_RUNS = 3


def measure(loaded, warm_up, seconds):
    """The times of a contender's runs in ms, at least three: it runs for warm_up seconds, and then is timed for seconds.

    Raises ValueError if its answer is wrong.
    """
    wrong = loaded.disagreement(loaded.run())
    if wrong:
        raise ValueError(wrong)
    _times(loaded.run, warm_up, 1)
    return _times(loaded.run, seconds, LEAST_RUNS)


def _times(run, seconds, least):
    times, end = [], time.perf_counter() + seconds
    while len(times) < least or time.perf_counter() < end:
        start = time.perf_counter()
        run()
        times.append((time.perf_counter() - start) * 1e3)
    return times


def main(arguments=None):
    from kpconvx_compat.benchmark.contenders import LOADERS

    parser = argparse.ArgumentParser(prog="python -m kpconvx_compat.benchmark.measure")
    parser.add_argument("contender", choices=LOADERS)
    parser.add_argument("directories", nargs="+", type=Path, metavar="DIRECTORY")
    parser.add_argument("--warm-up", type=float, default=1.0)
    parser.add_argument("--seconds", type=float, default=2.0)
    options = parser.parse_args(arguments)
    for directory in options.directories:
        try:
            times = measure(LOADERS[options.contender](directory), options.warm_up, options.seconds)
        except Exception as error:
            line = (str(error).strip().splitlines() or [""])[0]
            print(f"{directory.name}: {type(error).__name__}: {line}", file=sys.stderr)
            return 1
        print(json.dumps({"workload": directory.name, "times_ms": times}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
