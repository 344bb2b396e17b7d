package io.github.kpconvx.pointcloud.receptive;

import io.github.kpconvx.pointcloud.Coordinates;
import io.github.kpconvx.pointcloud.PointCloudException;
import java.util.stream.IntStream;

/**
 * Square tiles, by row and then by column, from the lowest x and y on. Every point is in the core
 * of exactly one. Coordinates count from the tile's centre in x and y and from the cloud's lowest
 * point in z.
 *
 * @param tile side of a tile in metres, &gt; 0
 * @param margin width of the border around a tile whose points are fed along, so that those at the
 *     tile's edge have all their neighbours, in metres, &ge; 0
 */
public record Tiles(double tile, double margin) implements Partition {

  /**
   * Checks the lengths.
   *
   * @throws PointCloudException if one is out of range
   */
  public Tiles {
    Preprocessing.checkLength("tile", tile);
    if (!(margin >= 0 && Double.isFinite(margin))) {
      throw new PointCloudException("margin is %s, expected a length >= 0".formatted(margin));
    }
  }

  @Override
  public Parts of(Coordinates coordinates, int least) {
    Grid grid = new Grid(coordinates, "tile", tile);
    double border = coordinates.units(margin);
    double half = coordinates.areWhole() ? Math.floor(grid.side() / 2) : grid.side() / 2;
    double lowest =
        IntStream.range(0, coordinates.size()).mapToDouble(coordinates::z).min().orElseThrow();
    return new Parts() {
      @Override
      public int size() {
        return grid.cells();
      }

      @Override
      public Part get(int i) {
        double x0 = grid.startX(i);
        double y0 = grid.startY(i);
        double reach = grid.side() + border;
        int[] points =
            grid.around(i, border)
                .flatMap(grid::points)
                .filter(
                    p ->
                        grid.cellOf(p) == i
                            || (isWithin(coordinates.x(p) - x0, border, reach)
                                && isWithin(coordinates.y(p) - y0, border, reach)))
                .sorted()
                .toArray();
        int[] core =
            IntStream.range(0, points.length).filter(j -> grid.cellOf(points[j]) == i).toArray();
        String name =
            "the tile from (%s, %s) m on, with its margin"
                .formatted(x0 * coordinates.scale(), y0 * coordinates.scale());
        if (points.length < least) {
          throw new PointCloudException(
              "%s: %s has %d points, expected at least %d; take larger tiles"
                  .formatted(coordinates.source(), name, points.length, least));
        }
        return new Part(name, points, core, x0 + half, y0 + half, lowest);
      }
    };
  }

  private static boolean isWithin(double distance, double border, double reach) {
    return distance >= -border && distance < reach;
  }
}
