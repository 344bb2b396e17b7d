package io.github.kpconvx.pointcloud;

import java.util.List;

/**
 * What a LAS file says of its coordinate reference system, kept unread so that it can be written
 * again.
 *
 * @param wkt whether the file says so in well-known text rather than in GeoTIFF keys
 * @param records the variable length records about it, each with its 54-byte header
 */
record CoordinateSystem(boolean wkt, List<byte[]> records) {

  /** Nothing is said. Point formats 6 and up then count as well-known text. */
  static final CoordinateSystem NONE = new CoordinateSystem(true, List.of());
}
