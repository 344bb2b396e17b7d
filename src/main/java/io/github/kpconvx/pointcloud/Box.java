package io.github.kpconvx.pointcloud;

/**
 * The smallest axis-parallel box around points, in raw units; all zero around no points.
 *
 * @param minX lowest x
 * @param minY lowest y
 * @param minZ lowest z
 * @param maxX highest x
 * @param maxY highest y
 * @param maxZ highest z
 */
record Box(int minX, int minY, int minZ, int maxX, int maxY, int maxZ) {

  static Box of(PointCloud cloud) {
    if (cloud.size() == 0) {
      return new Box(0, 0, 0, 0, 0, 0);
    }
    int minX = Integer.MAX_VALUE;
    int minY = Integer.MAX_VALUE;
    int minZ = Integer.MAX_VALUE;
    int maxX = Integer.MIN_VALUE;
    int maxY = Integer.MIN_VALUE;
    int maxZ = Integer.MIN_VALUE;
    for (int i = 0; i < cloud.size(); i++) {
      minX = Math.min(minX, cloud.x(i));
      minY = Math.min(minY, cloud.y(i));
      minZ = Math.min(minZ, cloud.z(i));
      maxX = Math.max(maxX, cloud.x(i));
      maxY = Math.max(maxY, cloud.y(i));
      maxZ = Math.max(maxZ, cloud.z(i));
    }
    return new Box(minX, minY, minZ, maxX, maxY, maxZ);
  }
}
