"""Writes the LAS and LAZ files among the Java test resources, whose points follow from their index.

    python pointcloud_las.py        (laspy 2.7.0, lazrs 0.8.2)
"""

import pathlib

import laspy
import numpy as np
from laspy.vlrs.known import WktCoordinateSystemVlr

COUNT = 300


def write(name, version, point_format):
    header = laspy.LasHeader(version=version, point_format=point_format)
    header.scales, header.offsets = [0.001, 0.001, 0.01], [437000.0, 4781000.0, 300.0]
    header.vlrs.append(WktCoordinateSystemVlr('LOCAL_CS["test"]'))
    las = laspy.LasData(header)
    i = np.arange(COUNT)
    extended = point_format >= 6
    las.X, las.Y, las.Z = 7919 * i - 1000000, 104729 * (i % 17) - 3, (i * i) % 4099 - 2000
    las.intensity = (i * 211) % 65536
    las.number_of_returns = 1 + i % (15 if extended else 5)
    las.return_number = 1 + i % np.asarray(las.number_of_returns)
    las.classification = i % (256 if extended else 32)
    if "red" in las.point_format.dimension_names:
        las.red, las.green, las.blue = (i * 199) % 65536, (i * 401) % 65536, 65535 - i
    las.write(pathlib.Path(__file__).parents[2] / "src/test/resources/io/github/kpconvx/pointcloud" / name)


for extension in ("las", "laz"):
    write(f"las12-format3.{extension}", "1.2", 3)
    write(f"las14-format6.{extension}", "1.4", 6)
    write(f"las14-format7.{extension}", "1.4", 7)
