"""Contenders take turns, round by round, so that a machine that slows down slows all of them."""

import statistics

from kpconvx_compat.benchmark.field import NotRun

BUSY_SLACK = 1.05


def take_turns(contenders, directories, plan, rounds, say=lambda line: None):
    """Measures each contender once in each round.

    Args:
        contenders: by name, objects with ``measure(directories, plan)`` as those of :mod:`field`.
        directories: the workloads' folders, all measured by a process before the next contender's.
        plan: Plan.
        rounds: >= 1.
        say: function that shows a line.

    Returns:
        dict by the contender's name: ``title``; then either ``times_ms``, by workload's name a list with a list of times
        for each round, and ``busy``, the processors kept busy in each round; or ``reason``, why it has none. A contender
        that fails in one round is out.
    """
    if rounds < 1:
        raise ValueError(f"rounds must be >= 1; found {rounds}")
    results = {name: {"title": contender.title} for name, contender in contenders.items()}
    for number in range(1, rounds + 1):
        for name, contender in contenders.items():
            result = results[name]
            if "reason" in result:
                continue
            try:
                measured = contender.measure(directories, plan)
                if measured.busy > BUSY_SLACK * len(plan.processors):
                    raise RuntimeError(
                        f"kept {measured.busy:.2f} processors busy, though it may use {len(plan.processors)}"
                    )
            except NotRun as missing:
                result["reason"] = f"not run: {missing}"
            except RuntimeError as error:
                result.pop("times_ms", None)
                result["reason"] = f"failed: {error}"
            else:
                for workload, times in measured.times.items():
                    result.setdefault("times_ms", {}).setdefault(workload, []).append(times)
                result.setdefault("busy", []).append(measured.busy)
            say(f"round {number} of {rounds}: {name}: {_summary(result)}")
    return results


def _summary(result):
    if "reason" in result:
        return result["reason"]
    return ", ".join(f"{name} {statistics.median(rounds[-1]):.3f} ms" for name, rounds in result["times_ms"].items())


def per_round(result, workload):
    """The median time of each round in ms, or None for a contender that did not measure this workload."""
    rounds = result.get("times_ms", {}).get(workload)
    return rounds and [statistics.median(times) for times in rounds]


def figure(result, workload):
    """The median over the rounds of their medians in ms, or None."""
    rounds = per_round(result, workload)
    return rounds and statistics.median(rounds)


def ratio(result, base, workload):
    """How many times base's time result takes: the median of the ratios within each round, or None if one is missing."""
    own, other = per_round(result, workload), per_round(base, workload)
    if not own or not other:
        return None
    return statistics.median(mine / its for mine, its in zip(own, other))
