package io.github.kpconvx.pointcloud.receptive;

import io.github.kpconvx.pointcloud.Coordinates;
import io.github.kpconvx.pointcloud.NearestNeighbours;
import io.github.kpconvx.pointcloud.PointCloudException;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.IntStream;

/**
 * All points around each of some centres, as VL3D cuts clouds. Neighbourhoods overlap, and those
 * with fewer points than are needed are left out with their centre, so that points may be in none.
 *
 * @param shape what counts as around
 * @param radiusX how far along x, or all around for spheres and cylinders, in metres, &gt; 0
 * @param radiusY how far along y
 * @param radiusZ how far along z
 * @param centres where the neighbourhoods are
 */
public record Neighbourhoods(
    Shape shape, double radiusX, double radiusY, double radiusZ, Centres centres)
    implements Partition {

  /** What counts as around a centre. */
  public enum Shape {
    /** A distance of at most the radius. */
    SPHERE,
    /** The same in the plane. Coordinates keep their z. */
    CYLINDER,
    /** A distance of at most the radius along each axis. */
    RECTANGULAR3D,
    /** The same in the plane. Coordinates keep their z. */
    RECTANGULAR2D;

    /** Whether z plays no part. */
    boolean isFlat() {
      return this == CYLINDER || this == RECTANGULAR2D;
    }
  }

  /** Where neighbourhoods are. */
  @FunctionalInterface
  public interface Centres {
    /**
     * The centres in a cloud.
     *
     * @param coordinates at least one point
     * @param radius the smallest radius, in metres
     * @return x, y and z of each, in the cloud's units, (centres, 3) row by row
     * @throws PointCloudException if there are too few points for them
     */
    double[] of(Coordinates coordinates, double radius);

    /**
     * Points of the cloud, by furthest point sampling.
     *
     * @param selection which of its points
     * @return such centres
     */
    static Centres furthest(Selection selection) {
      return (coordinates, radius) -> {
        Columns all = columns(coordinates);
        int[] chosen = selection.of(all.x(), all.y(), all.z());
        double[] centres = new double[3 * chosen.length];
        for (int i = 0; i < chosen.length; i++) {
          centres[3 * i] = coordinates.x(chosen[i]);
          centres[3 * i + 1] = coordinates.y(chosen[i]);
          centres[3 * i + 2] = coordinates.z(chosen[i]);
        }
        return centres;
      };
    }

    /**
     * The nodes of a grid: on each axis the lowest coordinate, one a step further on as long as it
     * is below the highest, and the highest.
     *
     * @param separation the step in radii, &gt; 0
     * @return such centres
     * @throws PointCloudException if the separation is out of range
     */
    static Centres grid(double separation) {
      Preprocessing.checkLength("separation_factor", separation);
      return (coordinates, radius) -> {
        double step = separation * radius / coordinates.scale();
        Columns all = columns(coordinates);
        double[] x = nodes(coordinates, all.x(), step);
        double[] y = nodes(coordinates, all.y(), step);
        double[] z = nodes(coordinates, all.z(), step);
        if (3L * x.length * y.length > Integer.MAX_VALUE / z.length) {
          throw new PointCloudException(
              "%s: a grid of %d × %d × %d centres is too large; take a larger radius"
                  .formatted(coordinates.source(), x.length, y.length, z.length));
        }
        double[] centres = new double[3 * x.length * y.length * z.length];
        int next = 0;
        for (double cz : z) {
          for (double cy : y) {
            for (double cx : x) {
              centres[next++] = cx;
              centres[next++] = cy;
              centres[next++] = cz;
            }
          }
        }
        return centres;
      };
    }

    private static double[] nodes(Coordinates coordinates, double[] values, double step) {
      double lowest = Arrays.stream(values).min().orElseThrow();
      double highest = Arrays.stream(values).max().orElseThrow();
      double count = Math.ceil((highest - lowest) / step);
      if (count > 1e9) {
        throw new PointCloudException(
            "%s: a grid of %.0f centres along an axis is too large; take a larger radius"
                .formatted(coordinates.source(), count));
      }
      double[] nodes = new double[(int) count + 1];
      Arrays.setAll(nodes, i -> lowest + i * step);
      nodes[nodes.length - 1] = highest;
      return nodes;
    }

    private static Columns columns(Coordinates coordinates) {
      IntStream all = IntStream.range(0, coordinates.size());
      return new Columns(
          all.mapToDouble(coordinates::x).toArray(),
          IntStream.range(0, coordinates.size()).mapToDouble(coordinates::y).toArray(),
          IntStream.range(0, coordinates.size()).mapToDouble(coordinates::z).toArray());
    }
  }

  /**
   * Checks the radii.
   *
   * @throws PointCloudException if one is out of range
   */
  public Neighbourhoods {
    Preprocessing.checkLength("radius", radiusX);
    Preprocessing.checkLength("radius", radiusY);
    Preprocessing.checkLength("radius", radiusZ);
    boolean round = shape == Shape.SPHERE || shape == Shape.CYLINDER;
    if (round && (radiusX != radiusY || radiusX != radiusZ)) {
      throw new PointCloudException(
          "radii of a %s are %s, %s, %s, expected one"
              .formatted(shape.name().toLowerCase(Locale.ROOT), radiusX, radiusY, radiusZ));
    }
  }

  /**
   * Neighbourhoods with one radius.
   *
   * @param shape what counts as around
   * @param radius how far, in metres, &gt; 0
   * @param centres where they are
   * @throws PointCloudException if the radius is out of range
   */
  public Neighbourhoods(Shape shape, double radius, Centres centres) {
    this(shape, radius, radius, radius, centres);
  }

  @Override
  public Parts of(Coordinates coordinates, int least) {
    double smallest = Math.min(radiusX, shape.isFlat() ? radiusY : Math.min(radiusY, radiusZ));
    double[] all = centres.of(coordinates, smallest);
    NearestNeighbours search = coordinates.search();
    NearestNeighbours.Reach reach = reach(coordinates.scale());
    int[] sizes =
        IntStream.range(0, all.length / 3)
            .parallel()
            .map(i -> around(search, all, i, reach).length)
            .toArray();
    int[] kept = IntStream.range(0, sizes.length).filter(i -> sizes[i] >= least).toArray();
    if (kept.length == 0) {
      throw new PointCloudException(
          "%s: none of %d neighbourhoods has %d points, the largest has %d; take a larger radius"
              .formatted(
                  coordinates.source(), sizes.length, least, Arrays.stream(sizes).max().orElse(0)));
    }
    return new Parts() {
      @Override
      public int size() {
        return kept.length;
      }

      @Override
      public Part get(int i) {
        int[] points = around(search, all, kept[i], reach);
        double x = all[3 * kept[i]];
        double y = all[3 * kept[i] + 1];
        double z = shape.isFlat() ? coordinates.zero() : all[3 * kept[i] + 2];
        double scale = coordinates.scale();
        return new Part(
            "the neighbourhood of (%s, %s, %s) m".formatted(x * scale, y * scale, z * scale),
            points,
            IntStream.range(0, points.length).toArray(),
            x,
            y,
            z);
      }
    };
  }

  private static int[] around(
      NearestNeighbours search, double[] centres, int i, NearestNeighbours.Reach reach) {
    return search.within(centres[3 * i], centres[3 * i + 1], centres[3 * i + 2], reach);
  }

  private NearestNeighbours.Reach reach(double scale) {
    double x = radiusX / scale;
    double y = radiusY / scale;
    double z = radiusZ / scale;
    return switch (shape) {
      case SPHERE -> (dx, dy, dz) -> dx * dx + dy * dy + dz * dz <= x * x;
      case CYLINDER -> (dx, dy, dz) -> dx * dx + dy * dy <= x * x;
      case RECTANGULAR3D -> (dx, dy, dz) -> dx <= x && dy <= y && dz <= z;
      case RECTANGULAR2D -> (dx, dy, dz) -> dx <= x && dy <= y;
    };
  }
}
