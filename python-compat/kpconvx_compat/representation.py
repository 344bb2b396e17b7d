"""What `export_representation` writes of a layer's kernel: tables, and pictures as SVG.

Every mark in a picture has an id, the same in every implementation, so that what a picture shows can be read back:

    colorbar-cells, block-<t>-cells     the children are the colours from below, and the cells row by row
    block-<t>-bars                      the children are the bars from left to right, empty ones included
    <panel>-xtick-<i>, -ytick-<i>       marks from the axis's lower end, each with its text in …-label
    <panel>-title                       what the block's weights are like
    point-<k>, sphere-<k>               a kernel point, and its sphere of influence
    x-tick-<i>, y-tick-<i>, z-tick-<i>  marks along the axes of space, each with its text in …-label
"""

import math
import os
import uuid
from decimal import Decimal
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.collections import PolyCollection
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Annulus, Circle, Ellipse, Polygon
from matplotlib.text import Text

ROUND = ("1", "1.2", "1.5", "2", "2.5", "3", "4", "5", "6", "8")
STEPS = ("1", "2", "5")
MINUS = "\u2212"
INK, LINE = "#222222", "#555555"
STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "kpconvx",
    "font.family": ["DejaVu Sans", "sans-serif"],
    "text.parse_math": False,
    "path.simplify": False,
}
WIDTH = 900  # of every picture, in pixels; so are all the lengths below


def export(dir_path, out_prefix, layer, q, w, w_past=None):
    """Writes the kernel of `layer` (its name, sigma, shell_radii and shell_points), all files or none.

    q (m_q, 3), w (blocks, m_q, D) and w_past, of the shape of w, are arrays, tensors or variables. The rest is told at
    `KPConvXBase.export_representation`.
    """
    if dir_path is None:
        return
    directory = _expanded(os.fspath(dir_path), out_prefix)
    q, w = _array(q), _array(w)
    files = {"Q.csv": lambda path: np.savetxt(path, q, fmt="%.7f")}
    for t, block in enumerate(w):
        files[f"W{t}.csv"] = lambda path, block=block: np.savetxt(path, block, fmt="%.7f")
    time = "init" if w_past is None else "end"
    files[f"Q{time}.svg"] = lambda path: _draw_kernel(path, layer, q)
    shown = [(f"W{time}", "kernel weights W", "weight", w)]
    if w_past is not None:
        w_past = _array(w_past)
        if w_past.shape != w.shape:
            raise ValueError(f"{layer.name}: the past W has shape {w_past.shape}, expected {w.shape}")
        shown.append(("Wdiff", "change of the kernel weights W", f"weight {MINUS} past weight", w - w_past))
    for name, what, quantity, values in shown:
        blocks, points, channels = values.shape
        title = f"{layer.name}: {what}, {blocks} block{'s' * (blocks > 1)}, m_q = {points}, D = {channels}"
        files[f"{name}_mat.svg"] = lambda path, a=(title, values): _draw_matrix(path, *a, layer.shell_points)
        files[f"{name}_hist.svg"] = lambda path, a=(title, quantity, values): _draw_histogram(path, *a)
    _write(directory, files)


def _array(values):
    """NumPy reads neither Keras's variables nor TensorFlow's on its own."""
    return np.asarray(values.numpy() if hasattr(values, "numpy") else values, np.float64)


def _expanded(directory, prefix):
    if not directory.startswith("*"):
        return Path(directory)
    if not prefix:
        raise ValueError(
            f"the directory {directory} starts with *, which stands for out_prefix without its last character, and "
            "there is no out_prefix"
        )
    return Path(prefix[:-1] + directory[1:])


def _write(directory, files):
    directory.mkdir(parents=True, exist_ok=True)
    written = {}
    try:
        for name, write in files.items():
            temporary = directory / f".{uuid.uuid4()}.{name}"
            written[temporary] = directory / name
            write(temporary)
        for temporary, path in written.items():
            temporary.replace(path)
    finally:
        for temporary in written:
            temporary.unlink(missing_ok=True)


# Axes: round numbers.


def _at_least(number, mantissas):
    """The least of some mantissas times a power of ten that is not less than the number, exactly."""
    exponent = math.floor(math.log10(number)) - 1
    while True:
        for mantissa in mantissas:
            candidate = Decimal(mantissa).scaleb(exponent)
            if float(candidate) >= number:
                return candidate
        exponent += 1


def _symmetric(magnitude):
    """Marks of an axis around 0: its ends, the middle and halfway between."""
    end = _at_least(magnitude, ROUND) if magnitude > 0 else Decimal(1)
    return [-end, -end / 2, Decimal(0), end / 2, end]


def _counts(largest):
    """Marks of an axis from 0 in at most five round steps."""
    step = _at_least(max(1, largest / 5), STEPS)
    return [i * step for i in range(math.ceil(max(1, largest) / step) + 1)]


def _label(number):
    if number == 0:
        return "0"
    exponent = number.adjusted()
    plain = -4 <= exponent < 6
    digits = number if plain else number.scaleb(-exponent)
    text = f"{digits.normalize():f}" + ("" if plain else f"e{exponent}")
    return text.replace("-", MINUS)


def _brief(number):
    return _label(Decimal(repr(float(number))))


# Colours of signed values.


def _diverging():
    """255 colours from blue to red, of which the middle one is 0's."""
    anchors = [(0x0B, 0x3D, 0x78), (0x5A, 0x9B, 0xD0), (0xFA, 0xFA, 0xFA), (0xE5, 0x82, 0x5F), (0x8C, 0x14, 0x20)]
    places = np.linspace(0, 1, 255)
    channels = [np.interp(places, np.linspace(0, 1, 5), channel) for channel in zip(*anchors)]
    return ListedColormap(np.floor(np.stack(channels, axis=-1) + 0.5) / 255.0).with_extremes(bad="#2ca02c")


def _shade(shell, paleness):
    """A shell's colour, the paler the farther."""
    palette = ["#444444", "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00"]
    base = np.array(matplotlib.colors.to_rgb(palette[shell % len(palette)]))
    return tuple(base + paleness * (1 - base))


# Pictures.


def _save(path, height, title, draw):
    """Draws on a figure of WIDTH × height pixels, the same bytes each time."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH / 72, height / 72), dpi=72)
        draw(figure, height)
        with open(path, "wb") as out:
            FigureCanvasSVG(figure).print_svg(out, metadata={"Date": None, "Creator": None, "Title": title})


def _title(figure, height, left, text):
    figure.text(left / WIDTH, 1 - 30 / height, text, fontsize=16, fontweight="bold", color=INK)


def _axes(figure, height, panel, left, top, wide, high):
    axes = figure.add_axes((left / WIDTH, 1 - (top + high) / height, wide / WIDTH, high / height))
    axes.set_gid(panel)
    axes.tick_params(colors=INK, labelsize=12, length=4, pad=4)
    for spine in axes.spines.values():
        spine.set_color(LINE)
    return axes


def _marks(axis, panel, name, places, labels):
    axis.set_ticks([float(place) for place in places], labels)
    for i, tick in enumerate(axis.get_major_ticks()):
        for line in (tick.tick1line, tick.tick2line):
            line.set_gid(f"{panel}-{name}tick-{i}")
            line.set_markeredgecolor(LINE)
        for text in (tick.label1, tick.label2):
            text.set_gid(f"{panel}-{name}tick-{i}-label")


def _finite(values):
    return values[np.isfinite(values)]


def _axis(values):
    return _symmetric(float(np.max(np.abs(_finite(values)), initial=0.0)))


def _described(t, block, marks):
    values = _finite(block)
    text = f"block {t}: {block.size} weights"
    if values.size:
        digits = max(0, 3 - marks[-1].adjusted())
        mean, deviation, low, high = (
            f"{number:.{digits}f}" for number in (values.mean(), values.std(), values.min(), values.max())
        )
        text += f", mean {mean}, standard deviation {deviation}, from {low} to {high}".replace("-", MINUS)
    return text if values.size == block.size else f"{text}; {block.size - values.size} not finite"


def _heading(axes, panel, text):
    axes.set_title(text, loc="left", fontsize=12, color=INK, pad=7).set_gid(f"{panel}-title")


def _draw_matrix(path, title, values, shell_points):
    """Each block as a matrix, a row for each kernel point, a column for each channel, with one colour bar."""
    blocks, points, channels = values.shape
    left, top, gap, wide = 64, 76, 52, 700
    high = max(60, min(420, 14 * points))
    bottom = top + blocks * (high + gap) - gap
    marks = _axis(values)
    colors = _diverging()
    limit = float(marks[-1])

    def cells(axes, panel, rows):
        y, x = (axis.ravel() for axis in np.indices(rows.shape))
        corners = np.stack([x, y, x + 1, y, x + 1, y + 1, x, y + 1], axis=-1).reshape(-1, 4, 2)
        faces = colors(np.ma.masked_invalid((rows.ravel() + limit) / (2 * limit)))
        axes.add_collection(
            # Edges of the faces' colours close the seams between neighbours.
            PolyCollection(corners, facecolors=faces, edgecolors="face", linewidths=0.4, gid=f"{panel}-cells")
        )

    def every(numbers, most):
        step = 1
        while -(-numbers // step) > most:
            step *= 2
        return range(0, numbers, step)

    def draw(figure, height):
        _title(figure, height, left, title)
        for t, block in enumerate(values):
            panel = f"block-{t}"
            axes = _axes(figure, height, panel, left, top + t * (high + gap), wide, high)
            axes.set(xlim=(0, channels), ylim=(points, 0))
            cells(axes, panel, block)
            for row in np.cumsum(shell_points)[:-1]:
                axes.axhline(row, color=INK, linewidth=1)
            _heading(axes, panel, _described(t, block, marks))
            rows, columns = every(points, high // 14), every(channels, 8)
            _marks(axes.yaxis, panel, "y", [k + 0.5 for k in rows], [str(k) for k in rows])
            _marks(axes.xaxis, panel, "x", [c + 0.5 for c in columns], [str(c) for c in columns])
            axes.set_ylabel("kernel point k", fontsize=12, color=INK)
        axes.set_xlabel("channel", fontsize=12, color=INK)
        bar = _axes(figure, height, "colorbar", left + wide + 40, top, 20, bottom - top)
        steps = colors.N
        bar.set(xlim=(0, 1), ylim=(0, steps))
        bar.set_xticks([])
        bar.yaxis.tick_right()
        cells(bar, "colorbar", (np.arange(steps)[:, None] + 0.5) / steps * 2 * limit - limit)
        places = [(float(mark) + limit) / (2 * limit) * steps for mark in marks]
        _marks(bar.yaxis, "colorbar", "y", places, [_label(mark) for mark in marks])

    _save(path, bottom + 56, title, draw)


def _draw_histogram(path, title, quantity, values):
    """How each block's weights are distributed, over the same range in the same bins."""
    blocks = len(values)
    left, top, gap, wide, high = 76, 76, 52, 790, 200
    marks = _axis(values)
    limit = float(marks[-1])
    bins = max(11, min(61, 2 * (math.ceil(math.sqrt(values[0].size)) // 2) + 1))
    edges = np.linspace(-limit, limit, bins + 1)
    counts = [np.histogram(_finite(block), edges)[0] for block in values]
    numbers = _counts(int(np.max(counts)))

    def draw(figure, height):
        _title(figure, height, left, title)
        for t, block in enumerate(values):
            panel = f"block-{t}"
            axes = _axes(figure, height, panel, left, top + t * (high + gap), wide, high)
            axes.set(xlim=(-limit, limit), ylim=(0, float(numbers[-1])))
            axes.set_axisbelow(True)
            axes.grid(axis="y", color="#dddddd", linewidth=1)
            bars = [
                [(low, 0), (end, 0), (end, count), (low, count)]
                for low, end, count in zip(edges[:-1], edges[1:], counts[t])
            ]
            axes.add_collection(
                PolyCollection(bars, facecolors="#3f7fbf", edgecolors="#ffffff", linewidths=0.6, gid=f"{panel}-bars")
            )
            _heading(axes, panel, _described(t, block, marks))
            _marks(axes.xaxis, panel, "x", marks, [_label(mark) for mark in marks])
            _marks(axes.yaxis, panel, "y", numbers, [_label(number) for number in numbers])
            axes.set_ylabel("number of weights", fontsize=12, color=INK)
        axes.set_xlabel(quantity, fontsize=12, color=INK)

    _save(path, top + blocks * (high + gap) - gap + 56, title, draw)


class _Space:
    """A view of the cube [−end, end]³ from the side and above, without perspective, in pixels."""

    azimuth, elevation = math.radians(-62), math.radians(32)
    center, half, height = np.array([440.0, 430.0]), 225, 830

    def __init__(self, marks):
        around, above = self.azimuth, self.elevation
        self.marks = marks
        self.low, self.end = float(marks[0]), float(marks[-1])
        self.scale = self.half / self.end
        self.right = np.array([-math.sin(around), math.cos(around), 0.0])
        self.down = np.array(
            [math.sin(above) * math.cos(around), math.sin(above) * math.sin(around), -math.cos(above)]
        )
        self.eye = np.cross(self.down, self.right)

    def place(self, point):
        """Where a point in space is, from the upper left corner."""
        return self.center + self.scale * np.array([point @ self.right, point @ self.down])


def _draw_kernel(path, layer, q):
    """The kernel points in space with their spheres of influence; what is farther is paler and drawn first."""
    finite = np.isfinite(q).all(axis=-1)
    shells = np.repeat(np.arange(len(layer.shell_points)), layer.shell_points)
    space = _Space(_symmetric(float(np.max(np.abs(q[finite]), initial=0.0)) + layer.sigma))
    depths = np.where(finite[:, None], q, 0.0) @ space.eye
    order = [k for k in np.argsort(depths, kind="stable") if finite[k]]
    extent = space.end - layer.sigma
    near = np.clip(0.5 + depths / extent / 2, 0, 1) if extent > 0 else np.full(len(q), 0.5)
    radius = max(5, min(12, 54 / math.sqrt(len(q)))) * (0.7 + 0.3 * near)
    title = f"{layer.name}: kernel points Q, m_q = {len(q)}, σ = {_brief(layer.sigma)}"

    def draw(figure, height):
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, WIDTH), ylim=(height, 0))
        axes.axis("off")
        _title(figure, height, 40, title)
        _draw_box(axes, space)
        for k in order:
            _draw_shadow(axes, space, q[k], radius[k])
        crowd = min(1.0, math.sqrt(21 / len(q)))
        for k in order:
            _draw_sphere(axes, space.place(q[k]), space.scale * layer.sigma, shells[k], near[k], crowd, f"sphere-{k}")
        for k in order:
            _draw_point(axes, space.place(q[k]), radius[k], shells[k], near[k], k)
        _draw_legend(axes, layer, int(len(q) - finite.sum()))

    _save(path, space.height, title, draw)


def _add(axes, artist):
    """Adds to a picture in which each thing covers what was added before."""
    artist.set(zorder=len(axes.get_children()), clip_on=False)
    axes.add_artist(artist)


def _line(axes, start, stop, **style):
    _add(axes, Line2D((start[0], stop[0]), (start[1], stop[1]), **style))


def _text(axes, place, text, **style):
    _add(axes, Text(*place, text, color=style.pop("color", INK), **style))


def _draw_box(axes, space):
    """The floor and the two walls behind the kernel, with grids; the axes along their outer edges."""
    low, end = space.low, space.end
    for fill, fixed, side in (("#f4f5f7", 2, low), ("#fafbfc", 0, low), ("#f7f8fa", 1, end)):
        a, b = (axis for axis in range(3) if axis != fixed)
        corner = np.zeros((4, 3))
        corner[:, fixed] = side
        corner[:, a], corner[:, b] = (low, end, end, low), (low, low, end, end)
        places = [space.place(point) for point in corner]
        _add(axes, Polygon(places, facecolor=fill, edgecolor="#c3c7cd", linewidth=1))
        for along, across in ((a, b), (b, a)):
            for mark in space.marks[1:-1]:
                ends = np.zeros((2, 3))
                ends[:, fixed], ends[:, along], ends[:, across] = side, float(mark), (low, end)
                _line(axes, *map(space.place, ends), color="#dde0e4", linewidth=1)
    _draw_axis(axes, space, "x", 0, (0, low, low), (-6, 20), "right", 62)
    _draw_axis(axes, space, "y", 1, (end, 0, low), (10, 18), "left", 62)
    _draw_axis(axes, space, "z", 2, (low, low, 0), (-10, 4), "right", -50)


def _draw_axis(axes, space, name, along, edge, offset, align, outwards):
    points = np.array([edge] * len(space.marks), np.float64)
    points[:, along] = [float(mark) for mark in space.marks]
    places = [space.place(point) for point in points]
    _line(axes, places[0], places[-1], color=LINE, linewidth=1.2)
    for i, (mark, place) in enumerate(zip(space.marks, places)):
        _add(axes, Circle(place, 1.8, facecolor=LINE, linewidth=0, gid=f"{name}-tick-{i}"))
        _text(axes, place + offset, _label(mark), ha=align, fontsize=12, gid=f"{name}-tick-{i}-label")
    run, rise = places[-1] - places[0]
    tilt = math.atan2(rise, run)
    outside = space.place(np.array(edge, np.float64)) + outwards * np.array([-math.sin(tilt), math.cos(tilt)])
    turn = -math.degrees(tilt)
    _text(axes, outside, f"{name} (unit of X)", rotation=turn, rotation_mode="anchor", ha="center", fontsize=13)


def _draw_shadow(axes, space, point, radius):
    foot = np.array([point[0], point[1], space.low])
    _line(axes, space.place(point), space.place(foot), color="#9aa1ab", linewidth=0.6, dashes=(2 / 0.6, 3 / 0.6))
    shape = (1.6 * radius, 1.6 * radius * math.sin(space.elevation))
    _add(axes, Ellipse(space.place(foot), *shape, facecolor="#8b939e", alpha=0.45, linewidth=0))


def _draw_sphere(axes, place, radius, shell, near, crowd, name):
    """Like glass: clear in the middle, dark at the rim."""
    color = _shade(shell, 0.35 * (1 - near))
    for width, alpha in ((0.04, 0.06), (0.1, 0.04), (0.2, 0.03), (0.4, 0.02)):
        _add(axes, Annulus(place, radius, width * radius, facecolor=color, alpha=alpha * crowd, linewidth=0))
    _add(axes, 
        Circle(
            place,
            radius,
            facecolor=(*color, 0.02 * crowd),
            edgecolor=(*color, (0.15 + 0.4 * near) * crowd),
            linewidth=0.7,
            gid=name,
        )
    )


def _draw_point(axes, place, radius, shell, near, k):
    color = _shade(shell, 0.45 * (1 - near))
    _add(axes, Circle(place, radius, facecolor=color, edgecolor="white", linewidth=1, gid=f"point-{k}"))
    light = place - 0.3 * radius
    for part in (0.55, 0.4, 0.25):  # from the upper left
        _add(axes, Circle(light, part * radius, facecolor="white", alpha=0.15, linewidth=0))
    _text(
        axes,
        place + (0, 0.4 * radius),
        str(k),
        ha="center",
        fontsize=1.1 * radius,
        fontweight="bold",
        color="white",
        gid=f"point-{k}-label",
    )


def _draw_legend(axes, layer, missing):
    left, top = WIDTH - 252, 62
    entries = [
        (dict(radius=6, facecolor=_shade(shell, 0), linewidth=0), f"shell {shell}: radius {_brief(radius)}, "
         f"{points} point{'s' * (points != 1)}")
        for shell, (radius, points) in enumerate(zip(layer.shell_radii, layer.shell_points))
    ]
    gray = dict(radius=7, facecolor=(0.53, 0.53, 0.53, 0.12), edgecolor="#888888", linewidth=1)
    entries.append((gray, f"sphere of influence, radius σ = {_brief(layer.sigma)}"))
    for i, (circle, text) in enumerate(entries):
        _add(axes, Circle((left, top + 20 * i), **circle))
        _text(axes, (left + 14, top + 20 * i + 4.5), text, fontsize=12)
    if missing:
        text = f"not finite, not drawn: {missing}"
        _text(axes, (left - 6, top + 20 * len(entries) + 4.5), text, fontsize=12)
