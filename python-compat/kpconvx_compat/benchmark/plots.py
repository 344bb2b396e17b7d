"""Cost for each point against what varies, as pictures."""

from pathlib import Path

from kpconvx_compat.benchmark.rounds import figure

AXES = {"R": "R, points of a cloud", "kappa": "κ, neighbours of a point", "D": "D, features", "B": "B, clouds in a batch"}
# Okabe and Ito's colours, which also those tell apart who see fewer; markers and dashes tell them apart in grey.
STYLES = [
    (color, marker, dash)
    for dash in ("-", "--")
    for color, marker in zip(
        ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8C6D31"), "osD^vP*X"
    )
]


def plot(symbol, workloads, results, path):
    """Writes the picture of one series, SVG or PNG by the path's name.

    symbol: a key of :data:`AXES`. workloads: by the varying value. results: as :func:`rounds.take_turns` gives them.
    Contenders without times are left out. Raises ValueError if none has any.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figures = {
        name: [(value, figure(result, work.name) * 1e3 / work.all_points) for value, work in workloads.items()
               if figure(result, work.name) is not None]
        for name, result in results.items()
    }
    figures = {name: points for name, points in figures.items() if points}
    if not figures:
        raise ValueError(f"no contender has times of the series {symbol}")
    path = Path(path)
    with plt.rc_context({"svg.fonttype": "path", "svg.hashsalt": "kpconvx", "font.size": 10}):
        drawing, axes = plt.subplots(figsize=(7.5, 4.6), layout="constrained")
        for (name, points), (color, marker, dash) in zip(figures.items(), STYLES):
            axes.plot(*zip(*points), label=name, color=color, marker=marker, linestyle=dash, markersize=5)
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        axes.set_xticks(list(workloads), [str(value) for value in workloads])
        axes.minorticks_off()
        low, high = (choose(y for points in figures.values() for _, y in points) for choose in (min, max))
        ticks = [tick * 10.0**power for power in range(-4, 5) for tick in (1, 2, 5)]
        ticks = [tick for tick in ticks if low / 1.5 <= tick <= high * 1.5]
        axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.set_xlabel(AXES[symbol])
        axes.set_ylabel("µs for each point")
        axes.grid(alpha=0.3)
        drawing.legend(loc="outside right upper", frameon=False)
        partial = path.with_name(f".partial-{path.name}")
        drawing.savefig(partial, metadata={"Date": None} if path.suffix == ".svg" else None, dpi=150)
        plt.close(drawing)
    partial.replace(path)
