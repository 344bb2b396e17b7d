package io.github.kpconvx.pointcloud.receptive;

import io.github.kpconvx.pointcloud.Coordinates;
import io.github.kpconvx.pointcloud.PointCloudException;

/** How a point cloud is cut into parts, each of which becomes a receptive field. */
public interface Partition {
  /**
   * Cuts a cloud.
   *
   * @param coordinates at least one point
   * @param least how many points a part has to have
   * @return its parts
   * @throws PointCloudException if it cannot be cut so; the message names its file
   */
  Parts of(Coordinates coordinates, int least);

  /** The parts of a cloud, each made when it is asked for. Immutable. */
  interface Parts {
    /**
     * How many there are.
     *
     * @return their number, at least 1
     */
    int size();

    /**
     * A part.
     *
     * @param i which, 0 to {@code size() - 1}
     * @return a new part
     */
    Part get(int i);
  }
}
