"""Contenders take turns, round by round, so that a machine that slows down slows all of them."""

import statistics

from kpconvx_compat.benchmark.field import NotRun
from kpconvx_compat.benchmark.placement import Placement

BUSY_SLACK = 1.05
ATTEMPTS = 2


def take_turns(contenders, directories, plan, rounds, say=lambda line: None, placement=None):
    """Measures each contender once in each round.

    A turn begins when the processors are near to one another, and is taken again if they are not at its end, as engines
    that hand data from one to the other take half as long again then; the second counts in any case.

    Args:
        contenders: by name, objects with ``measure(directories, plan)`` as those of :mod:`field`.
        directories: the workloads' folders, all measured by a process before the next contender's.
        plan: Plan.
        rounds: >= 1.
        say: function that shows a line.
        placement: Placement of the processors.

    Returns:
        dict by the contender's name: ``title``; then either ``times_ms``, by workload's name a list with a list of times
        for each round, and with an entry for each round ``busy``, the processors kept busy, ``distance``, the larger of
        those before and after, ``far``, whether that was far, and ``attempts``; or ``reason``, why it has none. A
        contender that fails in one round is out.
    """
    if rounds < 1:
        raise ValueError(f"rounds must be >= 1; found {rounds}")
    placement = placement or Placement(lambda: None)
    results = {name: {"title": contender.title} for name, contender in contenders.items()}
    for number in range(1, rounds + 1):
        for name, contender in contenders.items():
            result = results[name]
            if "reason" in result:
                continue
            try:
                measured, place = _turn(contender, directories, plan, placement)
            except NotRun as missing:
                result["reason"] = f"not run: {missing}"
            except RuntimeError as error:
                result.pop("times_ms", None)
                result["reason"] = f"failed: {error}"
            else:
                for workload, times in measured.times.items():
                    result.setdefault("times_ms", {}).setdefault(workload, []).append(times)
                for key, value in {"busy": measured.busy, **place}.items():
                    result.setdefault(key, []).append(value)
            say(f"round {number} of {rounds}: {name}: {_summary(result)}")
    return results


def _turn(contender, directories, plan, placement):
    """What a contender measured, and how the processors were placed."""
    for attempt in range(1, ATTEMPTS + 1):
        before = placement.settle()
        measured = contender.measure(directories, plan)
        if measured.busy > BUSY_SLACK * len(plan.processors):
            raise RuntimeError(f"kept {measured.busy:.2f} processors busy, though it may use {len(plan.processors)}")
        after = placement.distance()
        distance = None if before is None or after is None else max(before, after)
        if not placement.far(distance):
            break
    return measured, {"distance": distance, "far": placement.far(distance), "attempts": attempt}


def _summary(result):
    if "reason" in result:
        return result["reason"]
    times = ", ".join(f"{name} {statistics.median(rounds[-1]):.3f} ms" for name, rounds in result["times_ms"].items())
    return times + (f", processors far apart ({result['distance'][-1]:.0f} ns)" if result["far"][-1] else "")


def placements(results):
    """In words: how many turns there were, how many were taken again, how many count though processors were far apart."""
    distances = [each for result in results.values() for each in result.get("distance", []) if each is not None]
    if not distances:
        return ""
    attempts = [each for result in results.values() for each in result.get("attempts", [])]
    far = sum(each for result in results.values() for each in result.get("far", []))
    return (
        f"A message between the processors and back took from {min(distances):.0f} to {max(distances):.0f} ns; of "
        f"{len(attempts)} turns {sum(each > 1 for each in attempts)} were taken again as they were far apart, and {far} count although they were.\n"
    )


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
