package io.github.kpconvx.pointcloud;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PointCloudTest {
  private static final int COUNT = 300;

  @TempDir private Path folder;

  private static Path resource(String name) {
    try {
      return Path.of(PointCloudTest.class.getResource(name).toURI());
    } catch (URISyntaxException e) {
      throw new AssertionError(e);
    }
  }

  /** What python-compat/test_files/pointcloud_las.py wrote. */
  private static void assertGolden(PointCloud cloud, boolean extended, boolean colored) {
    assertEquals(COUNT, cloud.size());
    assertEquals(new Quantization(0.001, 0.001, 0.01, 437000, 4781000, 300), cloud.quantization());
    assertEquals(colored, cloud.hasColors());
    for (int i = 0; i < COUNT; i++) {
      assertEquals(7919 * i - 1000000, cloud.x(i));
      assertEquals(104729 * (i % 17) - 3, cloud.y(i));
      assertEquals(i * i % 4099 - 2000, cloud.z(i));
      assertEquals(i * 211 % 65536, cloud.intensity(i));
      assertEquals(1 + i % (extended ? 15 : 5), cloud.numberOfReturns(i));
      assertEquals(1 + i % cloud.numberOfReturns(i), cloud.returnNumber(i));
      assertEquals(i % (extended ? 256 : 32), cloud.classification(i));
      if (colored) {
        assertEquals(i * 199 % 65536, cloud.red(i));
        assertEquals(i * 401 % 65536, cloud.green(i));
        assertEquals(65535 - i, cloud.blue(i));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"las12-format3", "las14-format6", "las14-format7"})
  void readsWhatPythonWrote(String name) {
    boolean extended = !name.endsWith("3");
    boolean colored = !name.endsWith("6");
    assertGolden(PointCloud.read(resource(name + ".las")), extended, colored);
    assertGolden(PointCloud.read(resource(name + ".laz")), extended, colored);
  }

  @ParameterizedTest
  @ValueSource(strings = {"las12-format3", "las14-format6", "las14-format7"})
  void writesWhatItRead(String name) throws IOException {
    Path path = folder.resolve("out.las");
    Files.writeString(path, "something older");
    PointCloud.read(resource(name + ".laz")).write(path);
    assertGolden(PointCloud.read(path), !name.endsWith("3"), !name.endsWith("6"));
    try (Stream<Path> files = Files.list(folder)) {
      assertEquals(List.of(path), files.toList());
    }
  }

  @Test
  void writesTheBytesThatPythonWrites() throws IOException {
    Path path = folder.resolve("out.las");
    PointCloud.read(resource("las14-format7.laz")).write(path);
    byte[] expected = Files.readAllBytes(resource("las14-format7.las"));
    byte[] found = Files.readAllBytes(path);
    // Names of programs and the date, at 26 to 93, are everyone's own.
    for (byte[] bytes : List.of(expected, found)) {
      Arrays.fill(bytes, 26, 94, (byte) 0);
    }
    assertEquals(-1, Arrays.mismatch(expected, found));
  }

  @Test
  void keepsTheOtherColumns() {
    PointCloud cloud =
        PointCloud.of(Quantization.of(0.01), new int[] {1, 2}, new int[] {3, 4}, new int[] {5, 6})
            .withIntensity(new int[] {0, 65535})
            .withReturns(new int[] {1, 2}, new int[] {1, 3})
            .withColors(new int[] {0x0080ff, 0xffffff})
            .withClassification(new int[] {2, 255});
    Path path = folder.resolve("two.LAS");
    cloud.write(path);
    PointCloud read = PointCloud.read(path);
    assertEquals(2, read.x(1));
    assertEquals(4, read.y(1));
    assertEquals(6, read.z(1));
    assertEquals(65535, read.intensity(1));
    assertEquals(2, read.returnNumber(1));
    assertEquals(3, read.numberOfReturns(1));
    assertEquals(255, read.classification(1));
    assertEquals(0, read.red(0));
    assertEquals(0x8080, read.green(0));
    assertEquals(0xffff, read.blue(0));
  }

  @Test
  void aFileMayHoldNoPoints() {
    Path path = folder.resolve("none.las");
    PointCloud.of(Quantization.of(1), new int[0], new int[0], new int[0]).write(path);
    assertEquals(0, PointCloud.read(path).size());
  }

  @Test
  void doesNotShareArrays() {
    int[] x = {1};
    PointCloud cloud = PointCloud.of(Quantization.of(1), x, new int[1], new int[1]);
    x[0] = 9;
    assertEquals(1, cloud.x(0));
    assertFalse(cloud.hasColors());
    assertError("the points have no colours", () -> cloud.red(0));
  }

  @ParameterizedTest
  @ValueSource(strings = {"las12-format3.laz", "las14-format6.laz", "las14-format7.las"})
  void saysThatAFileIsCutShort(String name) throws IOException {
    byte[] bytes = Files.readAllBytes(resource(name));
    Path path = folder.resolve(name);
    for (int length : new int[] {100, 226, 400, 600, bytes.length / 2, bytes.length - 30}) {
      Files.write(path, Arrays.copyOf(bytes, length));
      assertError("is incomplete", () -> PointCloud.read(path));
    }
  }

  @Test
  void saysWhatAFileIsNot() throws IOException {
    Path path = folder.resolve("bad.las");
    assertError("there is no such file", () -> PointCloud.read(path));
    assertError("there is no folder", () -> PointCloud.read(folder.resolve("no/bad.las")));
    assertError("cannot be read", () -> PointCloud.read(folder));
    Files.createFile(path);
    assertError("is empty", () -> PointCloud.read(path));
    Files.writeString(path, "x y z");
    assertError("does not start with LASF", () -> PointCloud.read(path));

    assertError("is LAS 2.4, expected LAS 1.2 to 1.4", () -> readChanged(24, 2));
    assertError("is LAS 1.1, expected LAS 1.2 to 1.4", () -> readChanged(25, 1));
    assertError("its header has 119 bytes, expected 375", () -> readChanged(95, 0));
    assertError("has point format 9, expected 0 to 3 or 6 to 8", () -> readChanged(104, 9));
    assertError("its point records have 7 bytes, expected 36", () -> readChanged(105, 7));
    assertError("variable length records reach", () -> readChanged(101, 1));
    assertError("no record \"laszip encoded\"", () -> readChanged(104, 0x87));
    assertError("scales are", () -> readChanged(138, 0xff));
    assertError("expected at most", () -> readChanged(252, 1));
  }

  private void readChanged(int place, int value) throws IOException {
    byte[] bytes = Files.readAllBytes(resource("las14-format7.las"));
    bytes[place] = (byte) value;
    Path path = folder.resolve("changed.las");
    Files.write(path, bytes);
    PointCloud.read(path);
  }

  @Test
  void saysWhyItCannotWrite() {
    PointCloud cloud = PointCloud.of(Quantization.of(1), new int[1], new int[1], new int[1]);
    assertError("ends in .las", () -> cloud.write(folder.resolve("out.laz")));
    assertError("there is no folder", () -> cloud.write(folder.resolve("no/out.las")));
  }

  @Test
  void checksColumns() {
    PointCloud cloud = PointCloud.of(Quantization.of(1), new int[2], new int[2], new int[2]);
    assertError("classification has 1 values", () -> cloud.withClassification(new int[1]));
    assertError(
        "classification of point 1 is 256, expected 0 to 255",
        () -> cloud.withClassification(new int[] {0, 256}));
    assertError("intensity of point 0 is -1", () -> cloud.withIntensity(new int[] {-1, 0}));
    assertError(
        "number of returns of point 1 is 16",
        () -> cloud.withReturns(new int[2], new int[] {0, 16}));
    assertError(
        "x, y and z have 1, 2 and 1 values",
        () -> PointCloud.of(Quantization.of(1), new int[1], new int[2], new int[1]));
    assertError("scales are", () -> Quantization.of(0));
    assertError("scales are", () -> Quantization.of(Double.NaN));
  }

  private static void assertError(
      String expected, org.junit.jupiter.api.function.Executable executable) {
    PointCloudException error = assertThrows(PointCloudException.class, executable);
    assertTrue(error.getMessage().contains(expected), error::getMessage);
    assertFalse(error.getMessage().contains("\n"), error::getMessage);
  }
}
