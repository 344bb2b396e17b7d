"""Writes the LAS and LAZ files among the Java test resources, whose points follow from their index.

    python pointcloud_las.py        (laspy 2.7.0, lazrs 0.8.2, laszip 0.3.0)
"""

import io
import itertools
import pathlib
import struct
import zipfile

import laspy
import lazrs
import numpy as np
from laspy.vlrs.known import WktCoordinateSystemVlr

COUNT = 300
FOLDER = pathlib.Path(__file__).parents[2] / "src/test/resources/io/github/kpconvx/pointcloud"


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
    las.write(FOLDER / name)


def records(point_format, count, extra, constant, seed):
    """Points of random records, but for the fields that are constant and those that change only once."""
    header = laspy.LasHeader(version="1.4" if point_format >= 6 else "1.2", point_format=point_format)
    for name, kind in extra:
        header.add_extra_dim(laspy.ExtraBytesParams(name, kind))
    las = laspy.LasData(header)
    las.points = laspy.ScaleAwarePointRecord.zeros(count, header=header)
    array = las.points.array
    generator = np.random.default_rng(seed)
    for name in array.dtype.names:
        size = array.dtype[name].itemsize
        values = generator.integers(0, 256, (count, size), dtype=np.uint8)
        if name in constant:
            values[:] = values[0]
        elif name == "gps_time":
            values = (1e5 + 1e-3 * np.arange(count)).view(np.uint8).reshape(count, 8)
        array[name] = np.ascontiguousarray(values).view(array.dtype[name]).reshape(count)
    return las


def write_layers():
    """LAZ by two coders, and LAS, of the same points: each attribute constant by itself, several, and all.

    Random bits in the flags put the points into four scanner channels; where flags are constant there is one.
    """
    extended = ["Z", "intensity", "bit_fields", "classification_flags", "raw_classification", "classification"]
    extended += ["user_data", "scan_angle", "point_source_id", "gps_time"]
    extra = [("first", "uint8"), ("second", "int16")]
    colors, names = ["red", "green", "blue"], [name for name, _ in extra]
    cases = []
    for point_format in (6, 7, 8):
        groups = [[name] for name in extended] + [names]
        groups += [colors] if point_format >= 7 else []
        groups += [["nir"], colors + ["nir"], colors + names, colors + ["classification_flags"]] if point_format == 8 else []
        groups += [[], list(itertools.chain(extended, colors, ["nir"], names))]
        cases += [(point_format, extra, group) for group in groups]
    cases += [(point_format, [], []) for point_format in (6, 7, 8)] + [(8, [], colors)]
    for point_format in (0, 1, 2, 3):
        cases += [(point_format, extra, []), (point_format, extra, names), (point_format, [], [])]
    with zipfile.ZipFile(FOLDER / "layers.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for number, (point_format, extra_bytes, constant) in enumerate(cases):
            las = records(point_format, 25, extra_bytes, constant, number)
            name = f"{number:02d}-format{point_format}"
            coders = {"las": None, "lazrs.laz": laspy.LazBackend.Lazrs, "laszip.laz": laspy.LazBackend.Laszip}
            for ending, coder in coders.items():
                path = FOLDER / f"temporary.{ending}"
                las.write(path, laz_backend=coder) if coder else las.write(path)
                archive.writestr(zipfile.ZipInfo(f"{name}.{ending}"), path.read_bytes(), zipfile.ZIP_DEFLATED)
                path.unlink()


def simple(name, point_format, count, scales, **columns):
    header = laspy.LasHeader(version="1.2" if point_format < 6 else "1.4", point_format=point_format)
    header.scales, header.offsets = scales, [500000.0, 5400000.0, 0.0]
    las = laspy.LasData(header)
    i = np.arange(count)
    las.X, las.Y, las.Z = 7919 * i % 20011, 104729 * i % 20021, i * i % 3001
    las.intensity = (i * 211) % 65536
    for column, values in columns.items():
        las[column] = np.broadcast_to(values, count) if count else np.array([])
    las.write(FOLDER / name)


def write_special():
    """Flags in the class byte, returns that nobody knows, scales that differ, no points."""
    scale, i = [0.001] * 3, np.arange(40)
    returns = dict(return_number=1, number_of_returns=1)
    flags = dict(synthetic=i & 1, key_point=i >> 1 & 1, withheld=i >> 2 & 1, classification=i % 32)
    simple("flags-format1.las", 1, 40, scale, **returns, **flags)
    simple("flags-format1.laz", 1, 40, scale, **returns, **flags)
    simple("flags-format6.laz", 6, 40, scale, **returns, **flags, overlap=i >> 3 & 1)
    simple("returns-zero.las", 1, 40, scale, return_number=0, number_of_returns=0, classification=2)
    simple("scale-z.las", 1, 40, [0.001, 0.001, 0.01], **returns, classification=2)
    simple("no-points.las", 1, 0, scale)


def write_attributes():
    """Every attribute of format 3, extra bytes, GeoTIFF keys."""
    las = records(3, 60, [("Amplitude", "uint16"), ("Reflectance", "float64")], [], 7)
    las.header.scales = [0.001, 0.001, 0.001]
    keys = laspy.vlrs.VLR("LASF_Projection", 34735, "GeoTiff keys", np.array([1, 1, 0, 1, 3072, 0, 1, 25832], "<u2").tobytes())
    las.header.vlrs.append(keys)
    las.write(FOLDER / "attributes-geotiff.las")
    las.write(FOLDER / "attributes-geotiff.laz")

def write_chunks():
    """The points of las14-format7.las in chunks of 1, 99, 199 and one more of the compressor's own."""
    las = bytearray((FOLDER / "las14-format7.las").read_bytes())
    start, length = int.from_bytes(las[96:100], "little"), 36
    description = lazrs.LazVlr.new_for_compression(7, 0, True)
    data = bytes(description.record_data())
    record = struct.pack("<H16sHH32s", 0, b"laszip encoded", 22204, len(data), b"by lazrs") + data
    head = las[:start] + record
    head[96:100] = len(head).to_bytes(4, "little")
    head[100:104] = (int.from_bytes(head[100:104], "little") + 1).to_bytes(4, "little")
    head[104] |= 0x80
    stream = io.BytesIO()
    stream.write(head)
    compressor = lazrs.LasZipCompressor(stream, description)
    first = 0
    for count in (1, 99, 199, 1):
        compressor.compress_many(bytes(las[start + first * length : start + (first + count) * length]))
        compressor.finish_current_chunk()
        first += count
    compressor.done()
    (FOLDER / "chunks-format7.laz").write_bytes(stream.getvalue())


for extension in ("las", "laz"):
    write(f"las12-format3.{extension}", "1.2", 3)
    write(f"las14-format6.{extension}", "1.4", 6)
    write(f"las14-format7.{extension}", "1.4", 7)
write_layers()
write_special()
write_attributes()
write_chunks()
