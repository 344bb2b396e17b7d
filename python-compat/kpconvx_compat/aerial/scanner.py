"""A simulated airborne laser scanner.

Pulses leave an aircraft in parallel scan lines and are traced against a scene of three kinds of things:

- the ground, a height field;
- solids, convex polyhedra (roofs, walls, cars, trunks): the first one hit ends the pulse;
- porous things, which take only a part of the pulse's energy: foliage (clumps of ellipsoids with an exponentially
  distributed free path) and thin members (wires, lattice towers) that lie within the beam's footprint.

A second ray near each pulse's axis stands for the width of the beam, so that edges give two returns. What energy
remains travels on, which yields several returns for each pulse with their return numbers, as a real scanner does.
"""

import dataclasses

import numpy as np

FOOTPRINT = 0.11
"""Standard deviation of the second ray's distance from the beam's axis, in metres."""

DEAD_ZONE = 0.55
"""Two returns of one pulse are at least this far apart, in metres."""

MOST_RETURNS = 5


class Solid:
    """A convex polyhedron.

    Args:
        planes: (p, 4) outward normals and offsets: the points with n · x <= d.
        vertices: (v, 3) points whose bounding box holds the polyhedron.
        label: classification code.
        reflectance: brightness of its surface, in [0, 1].
        roughness: standard deviation of its surface, in metres.
    """

    def __init__(self, planes, vertices, label, reflectance, roughness=0.008):
        self.planes = np.asarray(planes, dtype=np.float64)
        vertices = np.asarray(vertices, dtype=np.float64)
        self.low, self.high = vertices.min(axis=0), vertices.max(axis=0)
        self.label, self.reflectance, self.roughness = label, reflectance, roughness

    def intersect(self, origin, direction):
        """Distance along each ray to the surface (inf for a miss) and the cosine of incidence."""
        normal, offset = self.planes[:, :3], self.planes[:, 3]
        slope = direction @ normal.T
        room = offset - origin @ normal.T
        with np.errstate(divide="ignore", invalid="ignore"):
            t = room / slope
        enter = np.where(slope < 0, t, -np.inf)
        leave = np.where(slope > 0, t, np.inf)
        outside = ((slope == 0) & (room < 0)).any(axis=1)
        face = enter.argmax(axis=1)
        rows = np.arange(len(origin))
        first = enter[rows, face]
        miss = outside | (first > leave.min(axis=1)) | (first <= 0)
        return np.where(miss, np.inf, first), -slope[rows, face]


def convex(points, label, reflectance, roughness=0.008):
    """The convex hull of (v, 3) points as a Solid."""
    from scipy.spatial import ConvexHull

    hull = ConvexHull(points)
    return Solid(np.column_stack([hull.equations[:, :3], -hull.equations[:, 3]]), points, label, reflectance, roughness)


class Foliage:
    """A crown, hedge or bush: ellipsoidal clumps in which a pulse travels a random free path.

    Args:
        centres: (c, 3) centres of the clumps.
        radii: (c, 3) semi-axes along x, y, z.
        label: classification code.
        reflectance: in [0, 1].
        free_path: mean distance to the next leaf inside a clump, in metres.
    """

    def __init__(self, centres, radii, label, reflectance, free_path):
        self.centres, self.radii = np.asarray(centres, dtype=np.float64), np.asarray(radii, dtype=np.float64)
        self.low = (self.centres - self.radii).min(axis=0)
        self.high = (self.centres + self.radii).max(axis=0)
        self.label, self.reflectance, self.free_path = label, reflectance, free_path


class Member:
    """Thin straight members that share a look: wires, or the bars of a lattice tower.

    Args:
        start, end: (s, 3) end points.
        label: classification code.
        reflectance: in [0, 1].
        reach: distance from the beam's axis within which a member returns a pulse, in metres.
        share: part of the pulse's energy that it takes.
    """

    def __init__(self, start, end, label, reflectance, reach, share):
        self.start, self.end = np.asarray(start, dtype=np.float64), np.asarray(end, dtype=np.float64)
        both = np.concatenate([self.start, self.end])
        self.low, self.high = both.min(axis=0) - reach, both.max(axis=0) + reach
        self.label, self.reflectance, self.reach, self.share = label, reflectance, reach, share


class Ground:
    """A height field on a regular grid.

    Args:
        corner: (x, y) of the first node.
        step: spacing of the nodes in metres.
        height, reflectance, roughness: (columns, rows) arrays; roughness is a standard deviation in metres.
        label: classification code.
    """

    def __init__(self, corner, step, height, reflectance, roughness, label):
        self.corner, self.step = np.asarray(corner, dtype=np.float64), step
        self.height, self.reflectance, self.roughness, self.label = height, reflectance, roughness, label

    def _place(self, x, y):
        limit = np.array(self.height.shape) - 1.001
        u = np.clip((x - self.corner[0]) / self.step, 0, limit[0])
        v = np.clip((y - self.corner[1]) / self.step, 0, limit[1])
        return u, v

    def at(self, x, y):
        """Height above (x, y), interpolated."""
        u, v = self._place(x, y)
        i, j = u.astype(int), v.astype(int)
        u, v = u - i, v - j
        h = self.height
        return (1 - u) * ((1 - v) * h[i, j] + v * h[i, j + 1]) + u * ((1 - v) * h[i + 1, j] + v * h[i + 1, j + 1])

    def surface(self, x, y):
        """Reflectance and roughness at (x, y)."""
        u, v = self._place(x, y)
        i, j = np.rint(u).astype(int), np.rint(v).astype(int)
        return self.reflectance[i, j], self.roughness[i, j]

    def intersect(self, origin, direction):
        """Distance along each (steep) ray to the ground."""
        t = -origin[:, 2] / direction[:, 2]
        for _ in range(6):
            point = origin + t[:, None] * direction
            t = t + (self.at(point[:, 0], point[:, 1]) - point[:, 2]) / direction[:, 2]
        return t


@dataclasses.dataclass(frozen=True)
class Strip:
    """One flight line.

    Attributes:
        heading: flight direction, radians from the x axis.
        offset: signed distance of the flight line from the scene's middle, to the left of the heading, in metres.
        reach: (least, most) distance from the scene's middle that the swath covers, same direction.
        altitude: metres above z = 0.
        along, across: spacing of the scan lines, and of the pulses within a line, in metres.
        bias: systematic height error of the strip in metres.
        start: GPS time of its first pulse in seconds.
    """

    heading: float
    offset: float
    reach: tuple
    altitude: float
    along: float
    across: float
    bias: float
    start: float


def pulses(strip, size, rng):
    """Origins (n, 3), unit directions (n, 3), GPS times (n,) of a strip over a square of ``size`` metres."""
    middle, radius = size / 2, size * 0.5 ** 0.5 + 12
    forward = np.array([np.cos(strip.heading), np.sin(strip.heading)])
    left = np.array([-forward[1], forward[0]])
    s = np.arange(-radius, radius, strip.along)
    a = np.arange(max(-radius, strip.reach[0]), min(radius, strip.reach[1]), strip.across)
    # The mirror turns while the aircraft flies, so the lines run slightly askew and their phase drifts.
    line, pixel = np.meshgrid(np.arange(len(s)), np.arange(len(a)), indexing="ij")
    phase = (0.07 * line + 0.8 * np.sin(line * 0.031)) % 1.0
    across = a[pixel] + (phase - 0.5) * strip.across + rng.normal(0, 0.035, line.shape)
    along = s[line] + 0.06 * (a[pixel] - strip.offset) * strip.along + rng.normal(0, 0.03, line.shape)
    along += 0.12 * np.sin(line * 0.05 + strip.start)
    target = middle + along[..., None] * forward + across[..., None] * left
    source = middle + s[line][..., None] * forward + strip.offset * left
    target, source = target.reshape(-1, 2), source.reshape(-1, 2)
    time = strip.start + (line * 0.008 + pixel * 0.008 / max(len(a), 1)).reshape(-1)
    keep = ((target > -8) & (target < size + 8)).all(axis=1)
    target, source, time = target[keep], source[keep], time[keep]
    origin = np.column_stack([source, np.full(len(source), strip.altitude)])
    direction = np.column_stack([target, np.zeros(len(target))]) - origin
    return origin, direction / np.linalg.norm(direction, axis=1, keepdims=True), time


class _Events:
    """What pulses met, gathered thing by thing."""

    def __init__(self):
        self.columns = []

    def add(self, ray, t, share, amplitude, label, sigma):
        if len(ray):
            self.columns.append(np.column_stack(np.broadcast_arrays(ray, t, share, amplitude, label, sigma)))

    def sorted(self):
        table = np.concatenate(self.columns)
        return table[np.lexsort((table[:, 1], table[:, 0]))]


class _Rays:
    """Rays with a quick choice of those that may meet a box."""

    def __init__(self, origin, direction):
        self.origin, self.direction = origin, direction
        self.slope = direction[:, :2] / direction[:, 2:]
        self.base = origin[:, :2] - origin[:, 2:] * self.slope
        self.steepest = np.abs(self.slope).max() if len(origin) else 0.0
        self.order = np.argsort(self.base[:, 0], kind="stable")
        self.sorted_x = self.base[self.order, 0]

    def near(self, low, high):
        """Indices of the rays that may meet the box."""
        reach = max(abs(low[2]), abs(high[2])) * self.steepest
        first = np.searchsorted(self.sorted_x, low[0] - reach)
        last = np.searchsorted(self.sorted_x, high[0] + reach)
        some = self.order[first:last]
        middle = 0.5 * (low[2] + high[2])
        slack = 0.5 * (high[2] - low[2]) * self.steepest
        point = self.base[some] + middle * self.slope[some]
        return np.sort(some[((point >= low[:2] - slack) & (point <= high[:2] + slack)).all(axis=1)])


def _first_solid(rays, solids):
    """For each ray the nearest solid: distance, its number (-1 for none), cosine of incidence."""
    count = len(rays.origin)
    best, which, cosine = np.full(count, np.inf), np.full(count, -1), np.ones(count)
    for number, solid in enumerate(solids):
        some = rays.near(solid.low, solid.high)
        if not len(some):
            continue
        t, cos = solid.intersect(rays.origin[some], rays.direction[some])
        closer = t < best[some]
        some = some[closer]
        best[some], which[some], cosine[some] = t[closer], number, cos[closer]
    return best, which, cosine


def _solid_events(events, rays, solids, ground, share):
    t, which, cosine = _first_solid(rays, solids)
    floor = ground.intersect(rays.origin, rays.direction)
    point = rays.origin + floor[:, None] * rays.direction
    reflectance, sigma = ground.surface(point[:, 0], point[:, 1])
    on_solid = t < floor
    label = np.full(len(t), ground.label)
    if solids:
        look = np.array([[s.reflectance, s.roughness, s.label] for s in solids])[which]
        reflectance = np.where(on_solid, look[:, 0] * np.sqrt(np.clip(cosine, 0.05, 1)), reflectance)
        sigma = np.where(on_solid, look[:, 1], sigma)
        label = np.where(on_solid, look[:, 2], label)
    events.add(np.arange(len(t)), np.where(on_solid, t, floor), share, reflectance, label, sigma)


def _foliage_events(events, rays, foliage, rng):
    for crown in foliage:
        some = rays.near(crown.low, crown.high)
        if not len(some):
            continue
        origin, direction = rays.origin[some, None], rays.direction[some, None]
        d = direction / crown.radii
        o = (origin - crown.centres) / crown.radii
        a, b, c = (d * d).sum(-1), (d * o).sum(-1), (o * o).sum(-1) - 1
        inside = b * b - a * c
        path = rng.exponential(crown.free_path, inside.shape)
        root = np.sqrt(np.maximum(inside, 0))
        t = (-b - root) / a + path
        ray, clump = np.nonzero((inside > 0) & (t < (-b + root) / a))
        share = rng.uniform(0.2, 0.65, len(ray))
        bright = crown.reflectance * rng.uniform(0.6, 1.25, len(ray))
        events.add(some[ray], t[ray, clump], share, bright, crown.label, 0.03)


def _member_events(events, rays, members, rng):
    for member in members:
        for start, end in zip(member.start, member.end):
            some = rays.near(np.minimum(start, end) - member.reach, np.maximum(start, end) + member.reach)
            if not len(some):
                continue
            u, w = end - start, rays.origin[some] - start
            v = rays.direction[some]
            uu, uv, uw, vw = u @ u, v @ u, w @ u, (v * w).sum(axis=1)
            part = np.clip((uw - uv * vw) / np.maximum(uu - uv * uv, 1e-9), 0, 1)
            t = part * uv - vw
            gap = np.linalg.norm(w + t[:, None] * v - part[:, None] * u, axis=1)
            hit = (gap < member.reach) & (rng.random(len(some)) < 0.85)
            share = member.share * np.exp(-2 * (gap[hit] / member.reach) ** 2)
            events.add(some[hit], t[hit], share, member.reflectance, member.label, 0.015)


def _returns(table):
    """Which events become returns, their amplitude and return number, from events sorted by pulse and distance."""
    ray = table[:, 0].astype(np.int64)
    first = np.flatnonzero(np.r_[True, ray[1:] != ray[:-1]])
    rank = np.arange(len(table)) - np.repeat(first, np.diff(np.r_[first, len(table)]))
    pulses_ = ray.max() + 1
    energy, last, count = np.ones(pulses_), np.full(pulses_, -np.inf), np.zeros(pulses_, dtype=np.int64)
    number, amplitude = np.zeros(len(table), dtype=np.int64), np.zeros(len(table))
    for step in range(rank.max() + 1):
        rows = np.flatnonzero(rank == step)
        r, t, share, bright = ray[rows], table[rows, 1], table[rows, 2], table[rows, 3]
        taken = energy[r] * share
        heard = (taken * bright > 0.018) & (t - last[r] > DEAD_ZONE) & (count[r] < MOST_RETURNS)
        # The last reflecting surface takes whatever is left, so shares need not add up to one.
        energy[r] -= taken
        rows, r = rows[heard], r[heard]
        count[r] += 1
        number[rows], amplitude[rows] = count[r], taken[heard] * bright[heard]
        last[r] = t[heard]
    return number, amplitude, count


def scan(strips, size, ground, solids, foliage, members, rng):
    """Flies the strips over the scene.

    Args:
        strips: list of Strip.
        size: side of the square that is kept, in metres, from the origin.
        ground: Ground.
        solids, foliage, members: lists of Solid, Foliage, Member.
        rng: numpy Generator.

    Returns:
        dict of (n,) arrays in the order of measurement: x, y, z (metres), intensity (uint16), return_number,
        number_of_returns, classification, point_source_id, scan_angle (degrees), gps_time (seconds).
    """
    parts = []
    for source, strip in enumerate(strips, 1):
        origin, direction, time = pulses(strip, size, rng)
        rays = _Rays(origin, direction)
        nearby = direction + rng.normal(0, FOOTPRINT / strip.altitude, direction.shape)
        nearby = _Rays(origin, nearby / np.linalg.norm(nearby, axis=1, keepdims=True))
        events = _Events()
        _solid_events(events, rays, solids, ground, 0.7)
        _solid_events(events, nearby, solids, ground, 0.6)
        _foliage_events(events, rays, foliage, rng)
        _member_events(events, rays, members, rng)
        table = events.sorted()
        number, amplitude, count = _returns(table)
        keep = number > 0
        table, number, amplitude = table[keep], number[keep], amplitude[keep]
        ray = table[:, 0].astype(np.int64)
        distance = table[:, 1] + rng.normal(0, 0.018, len(ray))
        place = origin[ray] + distance[:, None] * direction[ray]
        place[:, :2] += rng.normal(0, 0.025, (len(ray), 2))
        place[:, 2] += rng.normal(0, 1, len(ray)) * table[:, 5] + strip.bias
        speckle = rng.gamma(60.0, 1 / 60.0, len(ray))
        intensity = np.clip(amplitude / 0.7 * speckle * 52000 + rng.normal(0, 250, len(ray)), 40, 65535)
        slant = (origin[ray, :2] - place[:, :2]) @ [-np.sin(strip.heading), np.cos(strip.heading)]
        parts.append({
            "x": place[:, 0], "y": place[:, 1], "z": place[:, 2],
            "intensity": intensity.astype(np.uint16),
            "return_number": number.astype(np.uint8),
            "number_of_returns": count[ray].astype(np.uint8),
            "classification": table[:, 4].astype(np.uint8),
            "point_source_id": np.full(len(ray), source, dtype=np.uint16),
            "scan_angle": -np.degrees(np.arctan2(slant, origin[ray, 2] - place[:, 2])),
            "gps_time": time[ray],
        })
    cloud = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    inside = (cloud["x"] >= 0) & (cloud["x"] < size) & (cloud["y"] >= 0) & (cloud["y"] < size)
    return {key: column[inside] for key, column in cloud.items()}
