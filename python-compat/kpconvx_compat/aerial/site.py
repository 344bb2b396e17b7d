"""The layout of a scene while it is being drawn: terrain, and everything that can be put on it."""

import numpy as np
from scipy.ndimage import distance_transform_edt, gaussian_filter
from scipy.spatial import cKDTree

from kpconvx_compat.aerial.scanner import Foliage, Member, convex

GROUND, VEGETATION, BUILDING, WIRE, VEHICLE = 2, 5, 6, 14, 64
"""Classification codes: those of LAS 1.4, and 64 as the first that it leaves to users."""

STEP = 0.5
"""Spacing of the layout's grid in metres."""

BORDER = 16.0
"""How far the layout goes on beyond the square that is kept, in metres."""


def rotated(heading, points):
    """(n, 2) points turned by ``heading`` radians."""
    c, s = np.cos(heading), np.sin(heading)
    points = np.asarray(points, dtype=np.float64)
    return np.column_stack([c * points[:, 0] - s * points[:, 1], s * points[:, 0] + c * points[:, 1]])


def _noise(rng, shape, wavelength):
    """Smooth noise of standard deviation 1 on the layout's grid."""
    field = gaussian_filter(rng.normal(size=shape), wavelength / STEP / 4, mode="wrap")
    return (field - field.mean()) / field.std()


class Curve:
    """A road's middle line.

    Args:
        points: (n, 2) points about half a metre apart.
        width: width of the road in metres.
    """

    def __init__(self, points, width):
        self.points, self.width = np.asarray(points), width
        tangent = np.gradient(self.points, axis=0)
        self.tangent = tangent / np.linalg.norm(tangent, axis=1, keepdims=True)
        self.length = np.r_[0, np.cumsum(np.linalg.norm(np.diff(self.points, axis=0), axis=1))]
        self.tree = cKDTree(self.points)

    def at(self, s, left):
        """The point at arc length s, ``left`` metres to the left, and the heading there."""
        i = min(int(np.searchsorted(self.length, s)), len(self.points) - 1)
        t = self.tangent[i]
        return self.points[i] + left * np.array([-t[1], t[0]]), float(np.arctan2(t[1], t[0]))


class Site:
    """A layout in local metres: what it holds, and which cells of its grid are occupied.

    Args:
        rng: numpy Generator that everything random is drawn from.
        size: side of the square that is kept, in metres; the layout goes on for BORDER metres around it.

    Attributes:
        solids, foliage, members: what the scanner is to meet, next to the ground.
        height, reflectance, roughness: of the ground, one value for each node of the grid.
        taken: cells where nothing more may be placed; built: those under buildings; corridor: those under wires.
    """

    def __init__(self, rng, size):
        self.rng, self.size = rng, size
        cells = int(round((size + 2 * BORDER) / STEP)) + 1
        self.axis = np.arange(cells) * STEP - BORDER
        self.x, self.y = np.meshgrid(self.axis, self.axis, indexing="ij")
        self.shape = (cells, cells)
        self.solids, self.foliage, self.members = [], [], []
        self.taken = np.zeros(self.shape, dtype=bool)
        self.built = np.zeros(self.shape, dtype=bool)
        self.corridor = np.zeros(self.shape, dtype=bool)
        # What is placed early and built late: the ground changes until the last house stands.
        self.parked, self.moving, self.hedges, self.garden, self.shrubs = [], [], [], [], []
        self.junction = None

    # --- ground -----------------------------------------------------------------------------------------------

    def terrain(self):
        """Undulating ground with grass: several octaves of noise and a slope."""
        rng = self.rng
        h = rng.uniform(1.1, 1.7) * _noise(rng, self.shape, 90) + 0.3 * _noise(rng, self.shape, 32)
        h += 0.07 * _noise(rng, self.shape, 12) + 0.022 * _noise(rng, self.shape, 4)
        slope = rng.uniform(-0.025, 0.025, 2)
        h += slope[0] * (self.x - self.size / 2) + slope[1] * (self.y - self.size / 2)
        self.height = h
        self.reflectance = 0.56 + 0.05 * _noise(rng, self.shape, 16) + 0.03 * _noise(rng, self.shape, 3)
        self.roughness = np.full(self.shape, 0.03)

    def drape_road(self, road, pavement):
        """Lays a road into the terrain: level across, a kerb below the pavement beside it, markings."""
        rng = self.rng
        gap, nearest = road.tree.query(np.column_stack([self.x.ravel(), self.y.ravel()]))
        gap, nearest = gap.reshape(self.shape), nearest.reshape(self.shape)
        smooth = gaussian_filter(self.height, 5 / STEP)
        i = np.clip(np.rint((road.points + BORDER) / STEP).astype(int), 0, self.shape[0] - 1)
        profile = gaussian_filter(smooth[i[:, 0], i[:, 1]], 8)
        half = road.width / 2
        blend = np.clip((gap - half - pavement) / 5, 0, 1)
        blend = blend * blend * (3 - 2 * blend)
        self.height = profile[nearest] * (1 - blend) + self.height * blend
        lane, beside = gap < half, (gap >= half) & (gap < half + pavement)
        self.height += np.where(lane, 0.05 * (1 - (gap / half) ** 2) - 0.10, 0)
        worn = 0.16 + 0.015 * _noise(rng, self.shape, 6)
        self.reflectance = np.where(lane, worn, np.where(beside, 0.36, self.reflectance))
        dashes = lane & (gap < 0.3) & (nearest % 16 < 7)
        edges = lane & (np.abs(gap - half + 0.3) < 0.26)
        self.reflectance = np.where(dashes, 0.52, np.where(edges & (road.width > 6), 0.42, self.reflectance))
        self.roughness = np.where(lane | beside, 0.008, self.roughness)
        self.taken |= gap < half + pavement

    def field(self, inside, angle):
        """A ploughed or sown field with its furrows."""
        rng = self.rng
        across = self.x * np.cos(angle) + self.y * np.sin(angle)
        along = -self.x * np.sin(angle) + self.y * np.cos(angle)
        bed = np.floor(across / 12 + 0.02 * np.sin(along / 15))
        shade = np.where(bed % 2 == 0, rng.uniform(0.26, 0.34), rng.uniform(0.5, 0.66))
        self.height = self.height + np.where(inside, 0.05 * np.sin(2 * np.pi * across / 1.5), 0)
        track = (np.abs(across % 12 - 5) < 0.35) | (np.abs(across % 12 - 7) < 0.35)
        shade = np.where(track, 0.24, shade + 0.02 * _noise(rng, self.shape, 5))
        self.reflectance = np.where(inside, shade, self.reflectance)

    def local(self, centre, heading):
        """Coordinates of the grid's nodes along and across a heading (radians) from a centre."""
        c, s = np.cos(heading), np.sin(heading)
        dx, dy = self.x - centre[0], self.y - centre[1]
        return c * dx + s * dy, -s * dx + c * dy

    def rectangle(self, centre, heading, length, width, border=0.0):
        """The nodes of the grid in a rectangle, widened by ``border`` metres, as a mask."""
        u, v = self.local(centre, heading)
        return (np.abs(u) <= length / 2 + border) & (np.abs(v) <= width / 2 + border)

    def cell(self, place):
        """The node of the grid that is nearest to a point (x, y)."""
        return tuple(int(np.clip(round((c + BORDER) / STEP), 0, self.shape[0] - 1)) for c in place)

    def ground_at(self, place):
        """Height of the ground at a point (x, y)."""
        return float(self.height[self.cell(place)])

    def pave(self, centre, heading, length, width, reflectance):
        """Paves a rectangle: it is smooth, and nothing grows there."""
        inside = self.rectangle(centre, heading, length, width)
        speckle = 0.02 * self.rng.normal(size=self.shape)
        self.reflectance = np.where(inside, reflectance + speckle, self.reflectance)
        self.roughness = np.where(inside, 0.01, self.roughness)
        self.taken |= inside

    def level(self, inside, reach):
        """Levels the ground of a footprint, with a slope around it; returns its height."""
        base = float(np.median(self.height[inside]))
        away = distance_transform_edt(~inside) * STEP
        blend = np.clip(1 - away / reach, 0, 1)
        blend = blend * blend * (3 - 2 * blend)
        self.height = base * blend + self.height * (1 - blend)
        return base

    # --- buildings --------------------------------------------------------------------------------------------

    def solid(self, centre, heading, points, label, reflectance, roughness=0.008):
        """Adds the convex hull of (v, 3) points given as (along, across, absolute height)."""
        points = np.asarray(points, dtype=np.float64)
        xy = rotated(heading, points[:, :2]) + centre
        shape = convex(np.column_stack([xy, points[:, 2]]), label, reflectance, roughness)
        self.solids.append(shape)
        return shape

    def box(self, centre, heading, middle, length, width, low, high, label, reflectance):
        """Adds a box between two heights; ``middle`` counts along and across the heading from ``centre``."""
        u, v = middle
        corners = [(u + a * length / 2, v + b * width / 2, z) for a in (-1, 1) for b in (-1, 1) for z in (low, high)]
        self.solid(centre, heading, corners, label, reflectance)

    def roof(self, centre, heading, length, width, eave, style, pitch, overhang, reflectance):
        """A roof over a rectangle; returns the height of its ridge."""
        rise = np.tan(pitch)
        a, b = length / 2 + overhang, width / 2 + overhang
        low = eave - overhang * rise
        ridge = eave + width / 2 * rise
        points = [(s * a, t * b, z) for s in (-1, 1) for t in (-1, 1) for z in (low - 0.16, low)]
        if style == "gable":
            points += [(s * a, 0, ridge) for s in (-1, 1)]
        elif style == "hip":
            inset = min(b * self.rng.uniform(0.75, 1.0), a - 0.3)
            points += [(s * (a - inset), 0, ridge) for s in (-1, 1)]
        elif style == "half-hip":
            part = self.rng.uniform(0.5, 0.65)
            points += [(s * a, t * b * (1 - part), low + part * (ridge - low)) for s in (-1, 1) for t in (-1, 1)]
            points += [(s * (a - 0.35 * b), 0, ridge) for s in (-1, 1)]
        elif style == "mansard":
            knee, inset = low + 1.9, 0.75
            ridge = knee + (b - inset) * np.tan(np.radians(24))
            points += [(s * a, t * (b - inset), knee) for s in (-1, 1) for t in (-1, 1)]
            points += [(s * a, 0, ridge) for s in (-1, 1)]
        elif style == "shed":
            ridge = eave + 2 * b * np.tan(np.radians(9))
            points += [(s * a, b, ridge) for s in (-1, 1)]
        else:
            ridge = eave + 0.2
            points = [(s * a, t * b, z) for s in (-1, 1) for t in (-1, 1) for z in (eave - 0.15, ridge)]
        self.solid(centre, heading, points, BUILDING, reflectance, 0.015)
        return ridge

    def on_roof(self, centre, heading, width, eave, pitch, side, u, v, du, dv, lift, reflectance):
        """A thin panel on one slope of a gable: a window or solar cells. v counts from the ridge, level."""
        rise = np.tan(pitch)
        corners = []
        for a in (u - du / 2, u + du / 2):
            for b in (v, v + dv):
                z = eave + (width / 2 - b) * rise
                corners += [(a, side * b, z), (a, side * b, z + lift)]
        self.solid(centre, heading, corners, BUILDING, reflectance)

    def house(self, centre, heading):
        """A dwelling; heading is along its ridge."""
        rng = self.rng
        length, width = rng.uniform(9, 13.5), rng.uniform(7.2, 9.6)
        inside = self.rectangle(centre, heading, length, width)
        base = self.level(inside, 4.0)
        styles = ["gable", "hip", "half-hip", "mansard", "flat", "shed"]
        style = rng.choice(styles, p=[0.5, 0.19, 0.1, 0.06, 0.08, 0.07])
        walls = rng.uniform(2.8, 5.6) if style not in ("flat", "shed") else rng.uniform(3.2, 6.2)
        pitch = np.radians(rng.uniform(31, 47)) if style != "mansard" else np.radians(68)
        overhang = rng.uniform(0.3, 0.6) if style != "mansard" else 0.15
        tiles = float(rng.choice([0.4, 0.34, 0.22, 0.15, 0.28])) * rng.uniform(0.9, 1.1)
        if style in ("flat", "shed"):
            tiles = rng.uniform(0.3, 0.55)
        plaster = rng.uniform(0.4, 0.75)
        eave = base + walls
        self.box(centre, heading, (0, 0), length, width, base - 3, eave, BUILDING, plaster)
        ridge = self.roof(centre, heading, length, width, eave, style, pitch, overhang, tiles)
        if style == "flat":
            for a, b, du, dv in ((0, 1, 1, 0), (0, -1, 1, 0), (1, 0, 0, 1), (-1, 0, 0, 1)):
                self.box(centre, heading, (a * (length / 2 + overhang - 0.15), b * (width / 2 + overhang - 0.15)),
                         du * (length + 2 * overhang) or 0.3, dv * (width + 2 * overhang) or 0.3,
                         ridge - 0.1, ridge + 0.45, BUILDING, tiles)
            self.box(centre, heading, (rng.uniform(-2, 2), rng.uniform(-1, 1)), 2.2, 1.8, ridge - 0.1,
                     ridge + rng.uniform(0.7, 2.2), BUILDING, 0.45)
        if style in ("gable", "half-hip", "hip"):
            slope = (width / 2) * np.tan(pitch)
            if rng.random() < 0.85:
                side = rng.choice([-1, 1])
                off = rng.uniform(0.3, 1.2)
                self.box(centre, heading, (rng.uniform(-0.3, 0.3) * length, side * off), 0.75, 0.65,
                         eave, ridge - off * np.tan(pitch) * 0.4 + rng.uniform(0.6, 1.1), BUILDING, 0.3)
            if style == "gable" and rng.random() < 0.45:
                side = rng.choice([-1, 1])
                self.on_roof(centre, heading, width, eave, pitch, side, rng.uniform(-0.12, 0.12) * length, 0.7,
                             rng.uniform(0.45, 0.7) * length, width / 2 - rng.uniform(1.0, 1.8), 0.12, 0.09)
            elif slope > 2.6 and style != "hip" and rng.random() < 0.6:
                side = rng.choice([-1, 1])
                for u in ([0.0] if length < 10.5 else [-0.24 * length, 0.24 * length]):
                    half, out, top = rng.uniform(0.8, 1.3), side * (width / 2 - 0.7), eave + rng.uniform(1.5, 1.9)
                    back = side * 0.4
                    points = [(u + s * half, v, z) for s in (-1, 1) for v in (out, back) for z in (eave, top)]
                    points += [(u, v, top + half * 0.6) for v in (out + side * 0.25, back)]
                    self.solid(centre, heading, points, BUILDING, tiles)
        footprint = self.rectangle(centre, heading, length, width, overhang)
        if style in ("gable", "hip") and rng.random() < 0.4:
            wing, deep = rng.uniform(5.5, 7.0), rng.uniform(4.0, 6.0)
            u, side = rng.choice([-1, 1]) * (length - wing) / 2 * rng.uniform(0.6, 1.0), rng.choice([-1, 1])
            middle = centre + rotated(heading, [(u, side * (width / 4 + deep / 2))])[0]
            span = width / 2 + deep
            self.box(middle, heading + np.pi / 2, (0, 0), span, wing, base - 3, eave, BUILDING, plaster)
            self.roof(middle, heading + np.pi / 2, span, wing, eave, "gable", pitch, overhang, tiles)
            footprint |= self.rectangle(middle, heading + np.pi / 2, span, wing, overhang)
        self.built |= footprint
        self.taken |= footprint
        return length, width, base

    def garage(self, centre, heading):
        """A small building; heading is along it."""
        rng = self.rng
        length, width = rng.uniform(5.6, 6.6), rng.uniform(3.0, 5.6)
        inside = self.rectangle(centre, heading, length, width)
        base = self.level(inside, 3.0)
        eave = base + rng.uniform(2.3, 2.8)
        self.box(centre, heading, (0, 0), length, width, base - 2, eave, BUILDING, rng.uniform(0.4, 0.7))
        style = rng.choice(["flat", "gable", "shed"], p=[0.6, 0.3, 0.1])
        self.roof(centre, heading, length, width, eave, style, np.radians(28), 0.2, rng.uniform(0.15, 0.45))
        self.built |= inside
        self.taken |= inside

    def hall(self, centre, heading):
        """A supermarket with parapet, rooftop units and a canopy; returns (length, width)."""
        rng = self.rng
        length, width = rng.uniform(25, 33), rng.uniform(14.0, 16.0)
        inside = self.rectangle(centre, heading, length, width)
        base = self.level(inside, 6.0)
        top = base + rng.uniform(5.2, 6.8)
        gravel = rng.uniform(0.3, 0.5)
        self.box(centre, heading, (0, 0), length, width, base - 3, top, BUILDING, gravel)
        for a, b in ((0, 1), (0, -1), (1, 0), (-1, 0)):
            self.box(centre, heading, (a * length / 2, b * width / 2), length + 0.4 if b else 0.4,
                     width + 0.4 if a else 0.4, top - 0.2, top + 0.7, BUILDING, 0.6)
        for u in np.arange(-length / 2 + 4, length / 2 - 3, 6.0):
            if rng.random() < 0.75:
                self.box(centre, heading, (u, 2.5), 1.6, 1.6, top - 0.1, top + 0.45, BUILDING, 0.8)
        for _ in range(rng.integers(2, 5)):
            self.box(centre, heading, (rng.uniform(-0.4, 0.4) * length, rng.uniform(-5, -2)), rng.uniform(1.5, 3.2),
                     rng.uniform(1.2, 2.2), top - 0.1, top + rng.uniform(0.9, 1.8), BUILDING, 0.65)
        self.built |= inside
        self.taken |= inside
        return length, width

    def church(self, centre, heading):
        """A nave with a choir in the direction of the heading and a tower with a spire at its other end."""
        rng = self.rng
        length, width = rng.uniform(15, 19), rng.uniform(8.0, 9.5)
        inside = self.rectangle(centre, heading, length + 12, width)
        base = self.level(inside, 5.0)
        eave, slate = base + rng.uniform(5.5, 7.0), rng.uniform(0.14, 0.2)
        self.box(centre, heading, (0, 0), length, width, base - 3, eave, BUILDING, 0.55)
        ridge = self.roof(centre, heading, length, width, eave, "gable", np.radians(47), 0.35, slate)
        choir = [(length / 2 + 4.2 * np.cos(a), 0.36 * width * np.sin(a) * 1.2, z)
                 for a in np.linspace(-np.pi / 2, np.pi / 2, 6) for z in (base - 3, eave - 0.6)]
        choir.append((length / 2, 0, ridge - 1.2))
        self.solid(centre, heading, choir, BUILDING, slate)
        side, u = rng.uniform(4.6, 5.4), -length / 2 - 1.5
        top = ridge + rng.uniform(2.0, 4.5)
        self.box(centre, heading, (u, 0), side, side, base - 3, top, BUILDING, 0.5)
        half = side / 2 + 0.3
        spire = [(u + s * half, t * half, top) for s in (-1, 1) for t in (-1, 1)]
        spire.append((u, 0, top + rng.uniform(6, 9)))
        self.solid(centre, heading, spire, BUILDING, 0.3)
        self.pave(centre + rotated(heading, [(u - 7, 0)])[0], heading, 9, 12, 0.42)
        self.built |= inside
        self.taken |= inside

    # --- vehicles ---------------------------------------------------------------------------------------------

    def car(self, place, heading):
        """Reserves the place of a car; it is built when the ground no longer changes."""
        self.parked.append((self.build_car, place, heading))
        self.taken |= self.rectangle(place, heading, 4.8, 1.9)

    def truck(self, place, heading):
        """Reserves the place of a delivery lorry."""
        self.parked.append((self.build_truck, place, heading))
        self.taken |= self.rectangle(place, heading, 8.5, 2.4)

    def build_car(self, place, heading):
        """A vehicle of a random kind standing on the ground at ``place``."""
        rng = self.rng
        kinds = ["saloon", "hatchback", "estate", "suv", "van", "pickup"]
        kind = rng.choice(kinds, p=[0.25, 0.28, 0.17, 0.15, 0.1, 0.05])
        paint = float(np.clip(rng.choice([0.08, 0.14, 0.3, 0.5, 0.75]) * rng.uniform(0.8, 1.2), 0.05, 0.9))
        length, width, height = {
            "saloon": (4.6, 1.8, 1.45), "hatchback": (4.0, 1.74, 1.5), "estate": (4.7, 1.82, 1.5),
            "suv": (4.6, 1.88, 1.72), "van": (5.2, 2.0, 2.1), "pickup": (5.3, 1.9, 1.8)}[kind]
        scale = rng.uniform(0.95, 1.05)
        length, width, height = length * scale, width * scale, height * rng.uniform(0.97, 1.03)
        a, waist = length / 2, height * (0.62 if kind != "van" else 0.5)
        cabin = {"saloon": (-0.8, -0.45, 0.12, 0.5), "hatchback": (-0.97, -0.75, 0.1, 0.55),
                 "estate": (-0.97, -0.82, 0.12, 0.5), "suv": (-0.97, -0.82, 0.15, 0.52),
                 "van": (-0.98, -0.96, 0.45, 0.82), "pickup": (-0.25, -0.12, 0.2, 0.55)}[kind]
        ahead = np.array([np.cos(heading), np.sin(heading)])
        base = [self.ground_at(place + d * ahead) for d in (-a, a)]

        def lift(points):
            # The vehicle follows the slope of the road.
            return [(u, v, z + base[0] + (base[1] - base[0]) * (u + a) / length) for u, v, z in points]

        half = width / 2
        body = [(u, s * half * k, z) for s in (-1, 1) for u, z, k in (
            (-a, 0.45, 0.9), (-a, waist * 0.85, 0.9), (-a * 0.9, waist, 0.94), (-a * 0.85, 0.25, 1),
            (a * 0.85, 0.25, 1),
            (a * 0.55, waist * 1.0, 0.96), (a * 0.95, waist * 0.86, 0.85), (a, 0.5, 0.85), (0, waist * 0.75, 1))]
        self.solid(place, heading, lift(body), VEHICLE, paint)
        glass = [(a * cabin[0], waist * 0.95, 0.93), (a * cabin[1], height, 0.74),
                 (a * cabin[2], height, 0.74), (a * cabin[3], waist * 0.95, 0.93)]
        self.solid(place, heading, lift([(u, s * half * k, z) for s in (-1, 1) for u, z, k in glass]), VEHICLE,
                   paint * 0.85)

    def build_truck(self, place, heading):
        """A delivery lorry: cab and box."""
        rng = self.rng
        base, paint = self.ground_at(place), rng.uniform(0.3, 0.8)
        length, height = rng.uniform(6.5, 8.5), rng.uniform(2.9, 3.4)
        self.box(place, heading, (-0.9, 0), length - 2.0, 2.4, base + 0.9, base + height, VEHICLE, paint)
        self.box(place, heading, (length / 2 - 0.95, 0), 1.8, 2.2, base + 0.4, base + 2.4, VEHICLE, paint * 0.8)

    # --- vegetation -------------------------------------------------------------------------------------------

    def broadleaf(self, place, height):
        """A tree with a wide crown of many clumps."""
        rng = self.rng
        ground = self.ground_at(place)
        radius = height * rng.uniform(0.26, 0.38)
        bottom = height * rng.uniform(0.18, 0.32)
        middle, half = ground + (height + bottom) / 2, (height - bottom) / 2
        count = int(rng.integers(11, 18))
        k = np.arange(count) + 0.5
        polar, turn = np.arccos(1 - 1.75 * k / count), k * 2.399963 + rng.uniform(0, 6.28)
        reach = rng.uniform(0.5, 0.72, (count, 1))
        shell = np.column_stack([np.cos(turn) * np.sin(polar), np.sin(turn) * np.sin(polar), np.cos(polar)])
        centres = np.array([*place, middle]) + shell * reach * [radius, radius, half]
        size = rng.uniform(0.34, 0.5, (count, 1)) * radius
        radii = np.concatenate([size, size, size * rng.uniform(0.7, 1.0, (count, 1))], axis=1)
        centres = np.vstack([centres, [*place, middle]])
        radii = np.vstack([radii, [0.6 * radius, 0.6 * radius, 0.62 * half]])
        self.foliage.append(Foliage(centres, radii, VEGETATION, rng.uniform(0.42, 0.62), rng.uniform(0.5, 1.1)))
        self.trunk(place, ground, bottom + 0.4 * half, 0.02 * height + 0.05)

    def conifer(self, place, height):
        """A tree with a conical crown of many tiers."""
        rng = self.rng
        ground = self.ground_at(place)
        radius = height * rng.uniform(0.14, 0.21)
        levels = np.arange(0.1 * height, height - 0.3, rng.uniform(0.75, 1.0))
        part = 1 - levels / height
        size = radius * (part * 0.92 + 0.08) * rng.uniform(0.85, 1.1, len(levels))
        shift = rng.normal(0, 0.06, (len(levels), 2)) * size[:, None]
        centres = np.column_stack([np.asarray(place) + shift, ground + levels])
        radii = np.column_stack([size, size, 0.32 + 0.18 * size])
        self.foliage.append(Foliage(centres, radii, VEGETATION, rng.uniform(0.26, 0.4), rng.uniform(0.35, 0.7)))
        self.trunk(place, ground, 0.8 * height, 0.012 * height + 0.04)

    def poplar(self, place, height):
        """A tall and narrow tree."""
        rng = self.rng
        ground, radius = self.ground_at(place), height * rng.uniform(0.09, 0.13)
        levels = np.linspace(0.18, 0.9, 7) * height
        size = radius * np.array([0.8, 1.0, 1.05, 1.0, 0.85, 0.65, 0.4])
        centres = np.column_stack([np.asarray(place) + rng.normal(0, 0.12, (7, 2)), ground + levels])
        radii = np.column_stack([size, size, np.full(7, 0.11 * height)])
        self.foliage.append(Foliage(centres, radii, VEGETATION, rng.uniform(0.4, 0.55), 0.5))
        self.trunk(place, ground, 0.6 * height, 0.15)

    def trunk(self, place, ground, height, radius):
        """The trunk of a tree, from the height of the ground up."""
        turn = np.arange(6) * np.pi / 3
        ring = np.column_stack([np.cos(turn), np.sin(turn)]) * radius
        points = [(u, v, z) for u, v in ring for z in (ground - 1, ground + height)]
        self.solid(np.asarray(place), 0.0, points, VEGETATION, 0.3, 0.02)

    def shrub(self, place, size):
        """A bush about ``size`` metres high."""
        rng = self.rng
        ground, count = self.ground_at(place), int(rng.integers(2, 5))
        centres = np.column_stack([np.asarray(place) + rng.normal(0, 0.4 * size, (count, 2)),
                                   ground + size * rng.uniform(0.4, 0.7, count)])
        radii = size * rng.uniform(0.5, 0.75, (count, 1)) * [1, 1, 0.9]
        self.foliage.append(Foliage(centres, radii, VEGETATION, rng.uniform(0.4, 0.6), 0.25))

    def hedge(self, start, end):
        """A clipped hedge with gaps where the ground is taken."""
        rng = self.rng
        start, end = np.asarray(start), np.asarray(end)
        length = np.linalg.norm(end - start)
        height, half = rng.uniform(1.0, 2.2), rng.uniform(0.35, 0.6)
        centres, radii = [], []
        for s in np.arange(0, length, 0.55):
            place = start + (end - start) * s / max(length, 1e-6)
            if self.is_taken(place):
                continue
            ground = self.ground_at(place)
            wobble = rng.normal(0, 0.06, 2)
            centres.append([*(place + wobble), ground + 0.5 * height])
            radii.append([half * 1.15, half * 1.15, 0.55 * height * rng.uniform(0.93, 1.07)])
        # Short pieces keep the boxes small in which rays are tested.
        for k in range(0, len(centres), 12):
            piece = slice(k, k + 12)
            self.foliage.append(Foliage(centres[piece], radii[piece], VEGETATION, rng.uniform(0.4, 0.55), 0.12))

    def is_taken(self, place):
        """Whether something stands at a point (x, y)."""
        return bool(self.taken[self.cell(place)])

    def trees(self, planned):
        """Plants trees, given as (place, kind, height), where neither building, road nor power line is in the way."""
        free = distance_transform_edt(~self.built) * STEP
        clear = distance_transform_edt(~self.corridor) * STEP
        for place, kind, height in planned:
            i, j = self.cell(place)
            crown = height * {"broadleaf": 0.32, "conifer": 0.18, "poplar": 0.11}[kind]
            if free[i, j] < 0.75 * crown + 0.6 or clear[i, j] < crown + 1.0 or self.taken[i, j]:
                continue
            getattr(self, kind)(np.asarray(place), height)
            self.taken[max(i - 1, 0) : i + 2, max(j - 1, 0) : j + 2] = True

    # --- power lines ------------------------------------------------------------------------------------------

    def wire(self, a, b, sag, reflectance=0.3):
        """A wire from point a to point b that hangs ``sag`` metres below the straight line in its middle."""
        length = np.linalg.norm(np.subtract(b, a)[:2])
        s = np.linspace(0, 1, max(int(length / 2.5), 2) + 1)[:, None]
        line = np.asarray(a) * (1 - s) + np.asarray(b) * s
        line[:, 2] -= 4 * sag * (s * (1 - s))[:, 0]
        self.members.append(Member(line[:-1], line[1:], WIRE, reflectance, 0.2, 0.55))

    def tower(self, place, heading, height):
        """A lattice tower; returns the points from which its conductors hang, and its tip."""
        ground = self.ground_at(place)
        start, end = [], []

        def bar(a, b):
            points = np.array([a, b], dtype=np.float64)
            xy = rotated(heading, points[:, :2]) + place
            start.append([*xy[0], ground + points[0, 2]])
            end.append([*xy[1], ground + points[1, 2]])

        waist = 0.62 * height
        
        def half(z):
            return 1.9 - 1.35 * min(z / waist, 1.0) - 0.3 * max(z - waist, 0) / (height - waist)

        levels = np.r_[0, np.cumsum(np.linspace(3.6, 1.5, 12))]
        levels = np.r_[levels[levels < height - 1], height]
        corners = [(1, 1), (1, -1), (-1, -1), (-1, 1)]
        for low, high in zip(levels[:-1], levels[1:]):
            a, b = half(low), half(high)
            for (u, v), (s, t) in zip(corners, corners[1:] + corners[:1]):
                bar((u * a, v * a, low), (u * b, v * b, high))
                bar((u * a, v * a, low), (s * b, t * b, high))
                bar((s * a, t * a, low), (u * b, v * b, high))
                bar((u * b, v * b, high), (s * b, t * b, high))
        hangers = []
        for z, reach in ((waist, 4.4), (waist + 0.17 * height, 3.4)):
            for side in (-1, 1):
                tip = (0, side * reach, z + 0.15)
                for u in (-1, 1):
                    bar((u * half(z), side * half(z), z), tip)
                    bar((u * half(z), side * half(z), z + 0.9), tip)
                bar(tip, (0, side * reach, z - 1.1))
                hangers.append((0, side * reach, z - 1.1))
                if reach > 4:
                    bar((0, side * reach * 0.55, z + 0.4), (0, side * reach * 0.55, z - 1.1))
                    hangers.append((0, side * reach * 0.55, z - 1.1))
        self.members.append(Member(start, end, WIRE, 0.5, 0.16, 0.6))
        self.taken |= self.rectangle(place, heading, 5, 5)
        hangers.append((0, 0, height))
        hangers = np.array(hangers)
        return np.column_stack([rotated(heading, hangers[:, :2]) + place, ground + hangers[:, 2]])

    def high_voltage(self, start, end, spacing, first, height):
        """A line of towers with its conductors; ``first`` is the distance of the first tower from ``start``."""
        start, end = np.asarray(start, dtype=np.float64), np.asarray(end, dtype=np.float64)
        length = np.linalg.norm(end - start)
        ahead = (end - start) / length
        heading = float(np.arctan2(ahead[1], ahead[0]))
        places = np.arange(first - spacing, length + spacing, spacing)
        hung = [self.tower(start + s * ahead, heading, height) for s in places]
        for a, b in zip(hung[:-1], hung[1:]):
            for k in range(len(a)):
                self.wire(a[k], b[k], 0.9 if k == len(a) - 1 else 1.7)

    def pole(self, place, heading, height):
        """A pole with a cross-arm; returns the (3, 3) points that hold its wires."""
        ground = self.ground_at(place)
        turn = np.arange(6) * np.pi / 3
        points = [(0.16 * np.cos(t), 0.16 * np.sin(t), z) for t in turn for z in (ground - 1, ground + height)]
        self.solid(np.asarray(place), heading, points, WIRE, 0.35)
        tips = np.array([(0, side, height - 0.15) for side in (-1.0, 0.0, 1.0)])
        tips[1, 2] = height + 0.25
        tips = np.column_stack([rotated(heading, tips[:, :2]) + place, ground + tips[:, 2]])
        self.members.append(Member(tips[[0]], tips[[2]], WIRE, 0.4, 0.16, 0.6))
        i, j = self.cell(place)
        self.taken[max(i - 2, 0) : i + 3, max(j - 2, 0) : j + 3] = True
        return tips
