package io.github.kpconvx.pointcloud.picture;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kpconvx.pointcloud.PointClass;
import io.github.kpconvx.pointcloud.PointCloud;
import io.github.kpconvx.pointcloud.PointCloudException;
import io.github.kpconvx.pointcloud.Quantization;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CloudImageTest {
  private static final int GROUND = 0xb59b76;
  private static final int WIRE = 0xf2b705;

  @TempDir private Path folder;

  /** A meadow of 30 m with a wire 12 m over its middle, from west to east. */
  private static PointCloud meadow(int ground, int wire) {
    Random random = new Random(3);
    int n = ground + wire;
    int[] x = random.ints(n, 0, 3000).toArray();
    int[] y = random.ints(n, 0, 3000).toArray();
    int[] z = random.ints(n, 0, 3).toArray();
    for (int i = ground; i < n; i++) {
      x[i] = 3000 * (i - ground) / Math.max(1, wire - 1);
      y[i] = 1500;
      z[i] = 1200;
    }
    return PointCloud.of(Quantization.of(0.01), x, y, z);
  }

  private static CloudImage picture(int ground, int wire) {
    PointCloud cloud = meadow(ground, wire);
    int[] colors = IntStream.range(0, cloud.size()).map(i -> i < ground ? GROUND : WIRE).toArray();
    return CloudImage.of(cloud, colors).withSize(800, 600);
  }

  private static int[] pixels(BufferedImage image) {
    return image.getRGB(0, 0, image.getWidth(), image.getHeight(), null, 0, image.getWidth());
  }

  private static boolean isLike(int rgb, int color) {
    double scale = 0;
    double difference = 0;
    for (int shift = 0; shift <= 16; shift += 8) {
      scale += (rgb >> shift & 0xff) / (double) (color >> shift & 0xff) / 3;
    }
    for (int shift = 0; shift <= 16; shift += 8) {
      difference += Math.abs((rgb >> shift & 0xff) - scale * (color >> shift & 0xff));
    }
    return scale > 0.4 && difference < 45;
  }

  @Test
  void surfacesAreClosedAndWiresThin() {
    BufferedImage image = picture(6000, 60).fromAbove().render();
    int ground = 0;
    int wire = 0;
    int middle = image.getWidth() / 2;
    for (int r = 80; r < image.getHeight() - 120; r++) {
      int rgb = image.getRGB(middle, r) & 0xffffff;
      ground += isLike(rgb, GROUND) ? 1 : 0;
      wire += isLike(rgb, WIRE) && (rgb & 0xff) < 60 ? 1 : 0;
    }
    int rows = image.getHeight() - 200;
    assertTrue(ground > 0.9 * rows, "ground covers %d of %d rows".formatted(ground, rows));
    assertTrue(wire >= 1 && wire <= 6, "the wire covers %d rows".formatted(wire));
  }

  @Test
  void isTheSameEveryTime() {
    CloudImage picture = picture(4000, 40).oblique(30, 30);
    assertArrayEquals(pixels(picture.render()), pixels(picture.render()));
  }

  @Test
  void staysWithinItsSize() {
    CloudImage picture = picture(4000, 10);
    for (CloudImage each :
        List.of(picture.fromAbove(), picture.oblique(0, 0), picture.fromAbove().oblique(45, 30))) {
      BufferedImage image = each.render();
      assertTrue(image.getWidth() <= 800 && image.getHeight() <= 600);
      assertTrue(image.getWidth() >= 700);
    }
  }

  @Test
  void hasTitleAndLegend() {
    CloudImage plain = picture(4000, 0).fromAbove();
    CloudImage titled = plain.withTitle("A meadow", "4,000 points");
    CloudImage full =
        titled.withLegend(
            IntStream.range(0, 14)
                .mapToObj(i -> new PointClass(i, "class " + i, 0xff00ff))
                .toList());
    assertTrue(
        IntStream.of(pixels(titled.render())).filter(p -> (p & 0xffffff) > 0xe0e0e0).count()
            > IntStream.of(pixels(plain.render())).filter(p -> (p & 0xffffff) > 0xe0e0e0).count());
    BufferedImage image = full.render();
    long swatches = Arrays.stream(pixels(image)).filter(p -> (p & 0xffffff) == 0xff00ff).count();
    assertTrue(swatches > 14 * 100);
  }

  @Test
  void writesPng() throws IOException {
    Path path = folder.resolve("meadow.png");
    CloudImage picture = picture(4000, 10).fromAbove();
    picture.write(path);
    assertArrayEquals(pixels(picture.render()), pixels(ImageIO.read(path.toFile())));
    try (Stream<Path> files = Files.list(folder)) {
      assertEquals(1, files.count());
    }
    assertThrows(PointCloudException.class, () -> picture.write(folder.resolve("no/meadow.png")));
  }

  @Test
  void drawsFewPoints() {
    for (int n = 1; n <= 3; n++) {
      picture(n, 0).fromAbove().oblique(10, 0).render();
    }
    PointCloud same = PointCloud.of(Quantization.of(1), new int[40], new int[40], new int[40]);
    CloudImage.of(same, new int[40]).fromAbove().render();
  }

  @Test
  void saysWhatIsWrong() {
    PointCloud none = meadow(0, 0);
    PointCloud one = meadow(1, 0);
    assertThrows(PointCloudException.class, () -> CloudImage.of(none, new int[0]));
    assertThrows(PointCloudException.class, () -> CloudImage.of(one, new int[2]));
    CloudImage picture = CloudImage.of(one, new int[1]);
    assertThrows(PointCloudException.class, picture::render);
    assertThrows(PointCloudException.class, () -> picture.oblique(0, 91));
    assertThrows(PointCloudException.class, () -> picture.oblique(Double.NaN, 30));
    assertThrows(PointCloudException.class, () -> picture.withSize(10, 10));
  }
}
