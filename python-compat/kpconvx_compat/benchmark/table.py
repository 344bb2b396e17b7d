"""Results as Markdown."""

from kpconvx_compat.benchmark.rounds import figure, per_round, placements, ratio

BASES = ("keras", "keras-direct", "onnxruntime", "onnxruntime-direct", "floor")


def workload_table(description, results):
    """A row for each contender, the fastest first, and those without a time at the end, with the reason.

    description: of the workload, as in its `workload.json`. results: as :func:`rounds.take_turns` gives them.
    """
    name = description["name"]
    points = description["batch"] * description["points"]
    head = ["contender", "", "ms", "range over rounds", "µs/point", *(f"time ÷ {base}" for base in BASES)]
    rows = []
    ran = [contender for contender in results if figure(results[contender], name) is not None]
    for contender in sorted(ran, key=lambda contender: figure(results[contender], name)):
        result = results[contender]
        rounds, time = per_round(result, name), figure(result, name)
        ratios = (ratio(result, results[base], name) if base in results else None for base in BASES)
        rows.append(
            [
                f"`{contender}`",
                result["title"],
                number(time),
                f"{number(min(rounds))} to {number(max(rounds))}",
                number(time * 1e3 / points),
                *("–" if value is None else f"{value:.2f}" for value in ratios),
            ]
        )
    for contender in results:
        if contender not in ran:
            reason = results[contender].get("reason", "not run: no time was given").replace("|", "\\|")
            rows.append([f"`{contender}`", results[contender]["title"], reason, *[""] * (len(head) - 3)])
    sizes = "B={batch} R={points} κ={neighbours} D={features} DH={hidden}".format(**description)
    placed = placements(results)
    return f"### {name}: {sizes}\n\n{grid(head, rows)}" + (f"\n{placed}" if placed else "")


def steps_table(steps, results):
    """A row for each result, a dict of times in ms by step, or with `reason`; a column for each step."""
    rows = []
    for name, result in results.items():
        if "reason" in result:
            rows.append([f"`{name}`", result["reason"].replace("|", "\\|"), *[""] * (len(steps) - 1)])
        else:
            rows.append([f"`{name}`", *(number(result[step]) if step in result else "–" for step in steps)])
    return grid(["", *(f"{step.removesuffix('_ms').replace('_', ' ')}, ms" for step in steps)], rows)


def grid(head, rows):
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def number(value):
    """Three digits or more, without an exponent."""
    return f"{value:.3g}" if 0.001 <= abs(value) < 100 else f"{value:.0f}" if abs(value) >= 100 else f"{value:.5f}"
