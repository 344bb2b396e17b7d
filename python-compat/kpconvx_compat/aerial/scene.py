"""A village seen by an airborne laser scanner: generated ground, buildings, vegetation, power lines and vehicles.

Everything follows from a seed. The layout is drawn in metres in a square from the origin, scanned by
:mod:`kpconvx_compat.aerial.scanner`, and at last turned by a random multiple of 90° and perhaps mirrored.
"""

import datetime
import os
import tempfile

import laspy
import numpy as np
from scipy.spatial import cKDTree

from kpconvx_compat.aerial.scanner import Ground, Strip, scan
from kpconvx_compat.aerial.site import (
    BORDER, BUILDING, GROUND, STEP, VEGETATION, VEHICLE, WIRE, Curve, Site, rotated,
)

CLASSES = (
    {"code": GROUND, "name": "ground", "color": "#b59b76"},
    {"code": VEGETATION, "name": "high vegetation", "color": "#2f8f4e"},
    {"code": BUILDING, "name": "building", "color": "#d1493f"},
    {"code": WIRE, "name": "power line", "color": "#f2b705"},
    {"code": VEHICLE, "name": "vehicle", "color": "#2f6fd0"},
)

SIZE = 128.0
"""Side of a scene in metres."""

SCALE = 0.001
"""Metres per raw unit of the files, on all axes."""

OFFSETS = (437000.0, 4781000.0, 300.0)
"""Offsets of the files' coordinates in metres."""


def _roads(site):
    """The main road from left to right, a street that leaves it upwards, and a lane that leaves the street."""
    rng, size = site.rng, site.size
    s = np.arange(-BORDER - 6, size + BORDER + 6, 0.5)
    wave, phase = rng.uniform(110, 190), rng.uniform(0, 6.28)
    swing, level = rng.uniform(3, 7), size * rng.uniform(0.40, 0.48)
    main = Curve(np.column_stack([s, level + swing * np.sin(2 * np.pi * s / wave + phase)]), rng.uniform(6.2, 7.2))
    from_x = size * rng.uniform(0.34, 0.66)
    foot = main.points[np.argmin(np.abs(main.points[:, 0] - from_x))]
    t = np.arange(0, size + BORDER + 6 - foot[1], 0.5)
    bend, lean = rng.uniform(2, 6) * rng.choice([-1, 1]), rng.uniform(-0.12, 0.12)
    street = Curve(np.column_stack([foot[0] + lean * t + bend * (1 - np.cos(t / 26)) / 2, foot[1] + t]),
                    rng.uniform(5.0, 5.8))
    start, heading = street.at(size * rng.uniform(0.27, 0.36), 0)
    side, s = rng.choice([-1, 1]), np.arange(0, size + BORDER, 0.5)
    turn = heading - side * np.pi / 2 + rng.uniform(-0.08, 0.08)
    sway = rng.uniform(1, 4) * (1 - np.cos(s / 22)) * rng.choice([-1, 1]) / 2
    lane = Curve(start + rotated(turn, np.column_stack([s, sway])), rng.uniform(4.0, 4.6))
    return main, street, lane


def _plot(site, road, s, side, setback):
    """Tries to build a house with its garage, drive, cars and garden beside a road."""
    rng = site.rng
    depth = road.width / 2 + 1.6 + setback + 5.5
    centre, heading = road.at(s, side * depth)
    turn = heading + (np.pi / 2 if rng.random() < 0.3 else 0) + rng.normal(0, 0.05)
    inner = -6 < centre[0] < site.size + 6 and -6 < centre[1] < site.size + 6
    if not inner or (site.rectangle(centre, turn, 13.5, 11, 3.5) & (site.taken | site.corridor)).any():
        return False
    length, width, _ = site.house(centre, turn)
    along = np.array([np.cos(heading), np.sin(heading)])
    inward = np.array([-along[1], along[0]]) * side
    reach = (length if abs(np.sin(turn - heading)) < 0.5 else width) / 2
    hand = rng.choice([-1, 1])
    at = reach + rng.uniform(2.8, 3.6)
    parked = centre + along * hand * at
    front = depth - road.width / 2
    # The drive runs from the road past the house; the garage stands at its end.
    drive = parked - inward * (front / 2)
    strip = site.rectangle(drive, heading + np.pi / 2, front, 3.4)
    spot = parked + inward * 3.2
    blocked = (site.rectangle(spot, heading + np.pi / 2, 6.6, 5.6, 0.3) & (site.taken | site.corridor)).any()
    if not (strip & site.built).any():
        site.pave(drive, heading + np.pi / 2, front, rng.uniform(3.0, 4.6), rng.uniform(0.3, 0.5))
        if not blocked and rng.random() < 0.75:
            site.garage(spot, heading + np.pi / 2)
        face = float(np.arctan2(inward[1], inward[0])) + (np.pi if rng.random() < 0.3 else 0)
        room = depth - road.width / 2 - 1.6
        if rng.random() < 0.78:
            place = parked - inward * rng.uniform(2.9, 3.6) + along * rng.normal(0, 0.15)
            site.car(place, face + rng.normal(0, 0.03))
            if room > 12.5 and rng.random() < 0.45:
                place = parked - inward * rng.uniform(8.4, 9.2) + along * rng.normal(0, 0.15)
                site.car(place, face + rng.normal(0, 0.03))
    if rng.random() < 0.8:
        site.pave(centre + inward * (width / 2 + 2.4), heading, rng.uniform(4, 7), 3.6, rng.uniform(0.35, 0.5))
    half = at + 3.4
    near, far = -(depth - road.width / 2 - 2.4), rng.uniform(11, 15)
    corner = [centre + along * a * half + inward * b for a, b in ((-1, near), (-1, far), (1, far), (1, near))]
    for k in range(4):
        if rng.random() < 0.55:
            site.hedges.append((corner[k], corner[(k + 1) % 4]))
    for _ in range(rng.integers(1, 5)):
        place = centre + along * rng.uniform(-half, half) + inward * rng.uniform(width / 2 + 3, far)
        site.garden.append((place, str(rng.choice(["broadleaf", "conifer", "broadleaf"])), rng.uniform(4, 9.5)))
    for _ in range(rng.integers(2, 7)):
        place = centre + along * rng.uniform(-half, half) + inward * rng.uniform(near, far)
        site.shrubs.append((place, rng.uniform(0.5, 1.3)))
    return True


def _market(site, road, s, side):
    """Tries to build a supermarket with its car park."""
    rng = site.rng
    start = road.width / 2 + 2.5
    centre, heading = road.at(s, side * (start + 17 + 9.5))
    lot, _ = road.at(s, side * (start + 8.5))
    area = site.rectangle(centre, heading, 35, 18, 2) | site.rectangle(lot, heading, 35, 17, 0)
    if (area & (site.taken | site.corridor)).any():
        return False
    site.level(site.rectangle(lot, heading, 35, 17), 5)
    length, _ = site.hall(centre, heading)
    site.pave(lot, heading, length + 1, 17, 0.19)
    entry, _ = road.at(s - length / 3, side * (road.width / 2 + 1))
    site.pave(entry, heading, 7, 6, 0.19)
    along = np.array([np.cos(heading), np.sin(heading)])
    inward = np.array([-along[1], along[0]]) * side
    face = float(np.arctan2(inward[1], inward[0]))
    for row in (-5.6, 5.4):
        for u in np.arange(-length / 2 + 1.6, length / 2 - 1.2, 2.6):
            line = site.rectangle(lot + along * (u + 1.3) + inward * row, heading + np.pi / 2, 4.8, 0.25)
            site.reflectance = np.where(line, 0.5, site.reflectance)
            if row < 0 and u < -length / 3 + 4:
                continue
            if rng.random() < 0.58:
                way = face + (np.pi if rng.random() < 0.3 else 0)
                place = lot + along * (u + rng.normal(0, 0.1)) + inward * (row + rng.normal(0, 0.2))
                site.car(place, way + rng.normal(0, 0.02))
    if rng.random() < 0.7:
        site.truck(centre + along * (length / 2 + 3.2) + inward * rng.uniform(-3, 2), face)
    for u in (-length / 2 - 1.5, length / 2 + 1.5):
        site.hedges.append((lot + along * u - inward * 8, lot + along * u + inward * 7))
    return True


def _traffic(site, road, junctions):
    """Cars at the kerb and cars on the move."""
    rng = site.rng
    side, s = rng.choice([-1, 1]), 4.0
    while s < road.length[-1]:
        place, heading = road.at(s, side * (road.width / 2 - 1.05))
        lonely = all(np.linalg.norm(place - j) > 11 for j in junctions)
        if lonely and rng.random() < 0.34:
            site.car(place, heading + (np.pi if side > 0 else 0) + rng.normal(0, 0.02))
        s += rng.uniform(6.2, 8.0)
    for way in (-1, 1):
        if way == side:
            continue
        for s in rng.uniform(10, road.length[-1] - 10, rng.integers(1, 4)):
            place, heading = road.at(s, way * road.width / 4)
            if not site.moving or min(np.linalg.norm(place - m) for m in site.moving) > 14:
                site.moving.append(place)
                site.car(place, heading + (np.pi if way > 0 else 0))


def _buildings(site, main, street, lane):
    """The supermarket, the church, and houses along the roads and behind them."""
    rng, size = site.rng, site.size
    for s in rng.permutation(np.arange(20, 124, 8)) * size / 128 + BORDER:
        if _market(site, main, s, rng.choice([-1, 1])):
            break
    for s in rng.permutation(np.arange(20, 120, 12)) * size / 128 + BORDER:
        road, way = (main, 1) if rng.random() < 0.7 else (street, rng.choice([-1, 1]))
        centre, heading = road.at(s, way * (road.width / 2 + 13))
        if not (site.rectangle(centre, heading, 32, 12, 2) & (site.taken | site.corridor)).any():
            site.church(centre, heading + (np.pi if rng.random() < 0.5 else 0))
            break
    for road in (main, street, lane):
        for side in (-1, 1):
            s = rng.uniform(2, 10)
            while s < road.length[-1] - 4:
                done = _plot(site, road, s, side, rng.uniform(2.5, 7.0))
                s += rng.uniform(21, 26) if done else 3.0
    for _ in range(60):
        place, heading = rng.uniform(4, size - 4, 2), street.at(rng.uniform(0, 60), 0)[1] + rng.normal(0, 0.1)
        free = not (site.rectangle(place, heading, 13.5, 14, 5) & (site.taken | site.corridor)).any()
        if free and place[1] > street.points[0][1]:
            site.house(place, heading)


def _village_line(site, road):
    """Wires on poles along a road; returns on which side of it they are, 1 for the left."""
    rng = site.rng
    side, previous, height = rng.choice([-1, 1]), None, rng.uniform(8.8, 10.2)
    away = side * (road.width / 2 + 1.3)
    for s in np.arange(rng.uniform(0, 12), road.length[-1], rng.uniform(33, 39)):
        tips = site.pole(*road.at(s, away), height)
        if previous is not None:
            for a, b in zip(previous, tips):
                site.wire(a, b, 0.45)
        previous = tips
    line = road.points + away * np.column_stack([-road.tangent[:, 1], road.tangent[:, 0]])
    gap, _ = cKDTree(line).query(np.column_stack([site.x.ravel(), site.y.ravel()]))
    site.corridor |= (gap < 2.6).reshape(site.shape)
    return side


def _vegetation(site, main, free_side, copse, radius, reserved):
    """Trees along the main road, in gardens, in the woods and anywhere; hedges and shrubs.

    ``copse`` and ``radius`` say where the woods are, ``reserved`` the cells that were kept free for them.
    """
    rng, size = site.rng, site.size
    planned = []
    kind = str(rng.choice(["broadleaf", "conifer"]))
    other = "broadleaf" if kind == "conifer" else "conifer"
    for s in np.arange(rng.uniform(0, 8), main.length[-1], rng.uniform(9, 12)):
        place, _ = main.at(s, free_side * (main.width / 2 + 2.9))
        if np.linalg.norm(place - site.junction) > 9 and rng.random() < 0.8:
            planned.append((place, "broadleaf", rng.uniform(5.5, 8.5)))
    planned += site.garden
    site.taken &= ~reserved
    woods = []
    for place in rng.uniform(-1, 1, (700, 2)) * (radius + 3) + copse:
        if np.hypot(*(place - copse)) < radius * rng.uniform(0.85, 1.1):
            if not woods or np.min(np.linalg.norm(np.array(woods) - place, axis=1)) > 3.4:
                woods.append(place)
                planned.append((place, kind if rng.random() < 0.7 else other, rng.uniform(9, 18)))
    for place in rng.uniform(-4, size + 4, (90, 2)):
        tree = str(rng.choice(["broadleaf", "conifer", "poplar"], p=[0.62, 0.28, 0.1]))
        planned.append((place, tree, rng.uniform(4, 13)))
    site.trees(planned)
    for start, end in site.hedges:
        site.hedge(start, end)
    for place, extent in site.shrubs + [(p, rng.uniform(0.5, 1.6)) for p in rng.uniform(0, size, (60, 2))]:
        if not site.is_taken(place):
            site.shrub(place, extent)


def _layout(rng, size):
    """Draws a site: roads first, then what stands along them, then what grows between."""
    site = Site(rng, size)
    site.terrain()
    main, street, lane = _roads(site)
    site.junction, fork = street.points[0], lane.points[0]
    # The high-voltage line keeps to the lower part, where fields are.
    ends = size * rng.uniform(0.06, 0.16), size * rng.uniform(0.06, 0.16)
    climb = (ends[1] - ends[0]) / size
    slope = np.arctan2(ends[1] - ends[0], size)
    across = (site.y - ends[0] - (ends[1] - ends[0]) / size * site.x) * np.cos(slope)
    site.corridor |= np.abs(across) < 6.5
    crops = (across < -5) if rng.random() < 0.5 else (across < -3) & (site.x < size * rng.uniform(0.5, 0.8))
    copse_x, radius = rng.choice([0.04, 0.96]) * size, size * rng.uniform(0.14, 0.2)
    copse = np.array([copse_x, size * rng.uniform(0.9, 1.0)])
    woods = np.hypot(site.x - copse[0], site.y - copse[1]) < radius
    site.field(crops, slope + np.pi / 2 * rng.integers(0, 2))
    for road, pavement in ((lane, 0.4), (street, 1.2), (main, 1.7)):
        site.drape_road(road, pavement)
    reserved = woods & ~site.taken
    site.taken |= woods
    _buildings(site, main, street, lane)
    site.high_voltage((-BORDER, ends[0] - climb * BORDER), (size + BORDER, ends[1] + climb * BORDER),
                      rng.uniform(72, 88), rng.uniform(28, 66), rng.uniform(21, 25))
    side = _village_line(site, main)
    for road, junctions in ((main, [site.junction]), (street, [site.junction, fork]), (lane, [fork])):
        _traffic(site, road, junctions)
    for build, place, heading in site.parked:
        build(place, heading)
    _vegetation(site, main, -side, copse, radius, reserved)
    return site


def generate(seed, size=SIZE):
    """Generates and scans a scene.

    Args:
        seed: integer >= 0; the scene follows from it alone.
        size: side of the square in metres.

    Returns:
        dict of (n,) arrays as :func:`kpconvx_compat.aerial.scanner.scan` gives them, 0 < x, y < size.
    """
    rng = np.random.default_rng([seed, 64])
    site = _layout(rng, size)
    ground = Ground((-BORDER, -BORDER), STEP, site.height, site.reflectance, site.roughness, GROUND)
    heading, altitude = rng.uniform(0, np.pi), rng.uniform(360, 430)
    edge = size * rng.uniform(-0.12, 0.12)
    strips = [
        Strip(heading, side * rng.uniform(85, 130), reach, altitude + rng.normal(0, 8), rng.uniform(0.37, 0.40),
              rng.uniform(0.46, 0.50), rng.normal(0, 0.012), 1000.0 + 600 * n)
        for n, (side, reach) in enumerate(((1, (edge - 14, np.inf)), (-1, (-np.inf, edge + 14))))
    ]
    cloud = scan(strips, size, ground, site.solids, site.foliage, site.members, rng)
    turn, mirror = int(rng.integers(0, 4)), bool(rng.integers(0, 2))
    x, y = cloud["x"], size - cloud["y"] if mirror else cloud["y"]
    for _ in range(turn):
        x, y = size - y, x
    cloud["x"], cloud["y"] = x, y
    inside = (x > 2 * SCALE) & (x < size - 2 * SCALE) & (y > 2 * SCALE) & (y < size - 2 * SCALE)
    return {key: column[inside] for key, column in cloud.items()}


def write_laz(path, cloud):
    """Writes a cloud as LAS 1.4, point format 6, scale 0.001 m; LAZ if the name ends so. ``path`` is replaced whole."""
    header = laspy.LasHeader(version="1.4", point_format=6)
    header.scales, header.offsets = np.full(3, SCALE), np.array(OFFSETS)
    header.generating_software = "kpconvx_compat.aerial"
    header.system_identifier = "simulated laser scanner"
    header.creation_date = datetime.date(2024, 1, 1)
    las = laspy.LasData(header)
    las.x, las.y, las.z = (np.asarray(cloud[axis]) + offset for axis, offset in zip("xyz", OFFSETS))
    for name in ("intensity", "return_number", "number_of_returns", "classification", "point_source_id", "gps_time"):
        las[name] = cloud[name]
    las["scan_angle"] = np.rint(cloud["scan_angle"] / 0.006).astype(np.int16)
    path = os.fspath(path)
    handle, temporary = tempfile.mkstemp(dir=os.path.dirname(path) or ".", suffix=os.path.splitext(path)[1])
    os.close(handle)
    try:
        las.write(temporary)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
