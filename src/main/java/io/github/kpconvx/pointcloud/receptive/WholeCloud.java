package io.github.kpconvx.pointcloud.receptive;

import io.github.kpconvx.pointcloud.Coordinates;
import io.github.kpconvx.pointcloud.PointCloudException;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;

/** One part, the whole cloud; coordinates count from the mean of its points. */
public record WholeCloud() implements Partition {
  @Override
  public Parts of(Coordinates coordinates, int least) {
    int n = coordinates.size();
    if (n < least) {
      throw new PointCloudException(
          "%s: has %d points, expected at least %d".formatted(coordinates.source(), n, least));
    }
    return new Parts() {
      @Override
      public int size() {
        return 1;
      }

      @Override
      public Part get(int i) {
        int[] all = IntStream.range(0, n).toArray();
        return new Part(
            "the whole cloud",
            all,
            all,
            mean(n, coordinates::x),
            mean(n, coordinates::y),
            mean(n, coordinates::z));
      }
    };
  }

  private static double mean(int n, IntToDoubleFunction column) {
    return IntStream.range(0, n).mapToDouble(column).average().orElseThrow();
  }
}
