package io.github.kpconvx.pointcloud;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
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

  /** Bytes from the first point on. */
  private static byte[] points(byte[] file) {
    int start = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).getInt(96);
    return Arrays.copyOfRange(file, start, file.length);
  }

  private byte[] written(Path path) throws IOException {
    Path out = folder.resolve("written.las");
    PointCloud.read(path).write(out);
    return Files.readAllBytes(out);
  }

  private static Map<String, byte[]> layers() throws IOException {
    Map<String, byte[]> files = new TreeMap<>();
    try (ZipInputStream zip = new ZipInputStream(Files.newInputStream(resource("layers.zip")))) {
      for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
        files.put(entry.getName(), zip.readAllBytes());
      }
    }
    return files;
  }

  /** Layers that say nothing, extra bytes, four scanner channels, by two independent coders. */
  @Test
  void decompressesEveryByteOfEveryRecord() throws IOException {
    Map<String, byte[]> files = layers();
    List<String> different = new ArrayList<>();
    int compared = 0;
    for (Map.Entry<String, byte[]> entry : files.entrySet()) {
      if (entry.getKey().endsWith(".laz")) {
        Path path = folder.resolve(entry.getKey());
        Files.write(path, entry.getValue());
        byte[] expected = points(files.get(entry.getKey().replaceAll("[.].*", ".las")));
        if (!Arrays.equals(expected, points(written(path)))) {
          different.add(entry.getKey());
        }
        compared++;
      }
    }
    assertEquals(List.of(), different);
    assertEquals(122, compared);
  }

  @Test
  void readsChunksThatDifferInSize() {
    assertGolden(PointCloud.read(resource("chunks-format7.laz")), true, true);
  }

  /** What laszip4j would decode without an error, and wrongly. */
  @Test
  void refusesChannelsThatAlternateInVersionFour() throws IOException {
    int refused = 0;
    int read = 0;
    for (Map.Entry<String, byte[]> entry : layers().entrySet()) {
      if (entry.getKey().matches(".*format[78].lazrs.laz")) {
        byte[] bytes = entry.getValue().clone();
        int description = new String(bytes, ISO_8859_1).indexOf("laszip encoded") - 2 + 54;
        for (int item = 0; item < bytes[description + 32]; item++) {
          bytes[description + 34 + 6 * item + 4] = 4;
        }
        Path path = folder.resolve("four.laz");
        Files.write(path, bytes);
        byte[] las = points(layers().get(entry.getKey().replaceAll("[.].*", ".las")));
        int length = las.length / 25;
        boolean alternate =
            IntStream.range(0, 25).map(i -> las[i * length + 15] & 0x30).distinct().count() > 1;
        if (alternate) {
          assertError("version 4 of LASzip's coders", () -> PointCloud.read(path));
          refused++;
        } else {
          assertArrayEquals(las, points(written(path)));
          read++;
        }
      }
    }
    assertTrue(refused > 10 && read > 1, refused + " refused, " + read + " read");
  }

  @ParameterizedTest
  @ValueSource(strings = {"flags-format1.las", "flags-format1.laz", "flags-format6.laz"})
  void tellsClassesFromFlags(String name) {
    PointCloud cloud = PointCloud.read(resource(name));
    PointCloud reclassified =
        cloud.withClassification(IntStream.range(0, 40).map(i -> 31 - i % 32).toArray());
    Path out = folder.resolve("reclassified.las");
    reclassified.write(out);
    for (PointCloud each : List.of(cloud, reclassified, PointCloud.read(out))) {
      for (int i = 0; i < 40; i++) {
        assertEquals(each == cloud ? i % 32 : 31 - i % 32, each.classification(i));
        assertEquals((i & 1) != 0, each.isSynthetic(i));
        assertEquals((i & 2) != 0, each.isKeyPoint(i));
        assertEquals((i & 4) != 0, each.isWithheld(i));
        assertEquals(name.contains("6") && (i & 8) != 0, each.isOverlap(i));
      }
    }
    assertEquals(32, cloud.classCounts().size());
    assertEquals(2, cloud.classCounts().get(7));
    assertEquals(1, cloud.classCounts().get(8));
  }

  @Test
  void aClassThatHasNoRoomIsAnErrorThatTellsTheWayOut() {
    PointCloud cloud = PointCloud.read(resource("flags-format1.las"));
    int[] codes = new int[40];
    codes[3] = 64;
    assertError(
        "flags-format1.las: classification of point 3 is 64, expected 0 to 31, all that point"
            + " format 1 has room for; convert the file to format 6 or newer first",
        () -> cloud.withClassification(codes));
  }

  @ParameterizedTest
  @ValueSource(strings = {"attributes-geotiff.las", "attributes-geotiff.laz"})
  void changesNothingButTheClass(String name) throws IOException {
    byte[] original = Files.readAllBytes(resource("attributes-geotiff.las"));
    byte[] same = written(resource(name));
    assertArrayEquals(points(original), points(same));
    assertTrue(new String(same, ISO_8859_1).contains("LASF_Projection\0"));
    assertTrue(new String(same, ISO_8859_1).contains("Reflectance\0"));
    assertFalse(new String(same, ISO_8859_1).contains("laszip encoded"));

    Path out = folder.resolve("classified.las");
    PointCloud.read(resource(name)).withClassification(new int[60]).write(out);
    byte[] found = points(Files.readAllBytes(out));
    byte[] expected = points(original);
    for (int i = 0; i < 60; i++) {
      expected[44 * i + 15] &= (byte) 0xe0;
    }
    assertArrayEquals(expected, found);
  }

  @Test
  void coloursGetAPlaceOfTheirOwn() {
    PointCloud cloud = PointCloud.read(resource("flags-format1.laz"));
    int[] rgb = IntStream.range(0, 40).map(i -> i * 0x010203).toArray();
    Path out = folder.resolve("coloured.las");
    cloud.withColors(rgb).write(out);
    PointCloud found = PointCloud.read(out);
    for (int i = 0; i < 40; i++) {
      assertEquals(i * 257, found.red(i));
      assertEquals(2 * i * 257, found.green(i));
      assertEquals(3 * i * 257, found.blue(i));
      assertEquals(cloud.z(i), found.z(i));
      assertEquals(cloud.isWithheld(i), found.isWithheld(i));
    }
  }

  /** Extended records follow the points of a file of our own, wherever they were before. */
  @Test
  void keepsExtendedRecords() throws IOException {
    byte[] plain = Files.readAllBytes(resource("las14-format7.las"));
    byte[] record = new byte[60 + 5];
    record[20] = 5;
    record[64] = 77;
    ByteBuffer bytes = ByteBuffer.allocate(plain.length + 9 + 65).order(ByteOrder.LITTLE_ENDIAN);
    bytes.put(plain).position(plain.length + 9).put(record);
    bytes.putLong(235, plain.length + 9).putInt(243, 1);
    Path path = folder.resolve("extended.las");
    Files.write(path, bytes.array());
    ByteBuffer found = ByteBuffer.wrap(written(path)).order(ByteOrder.LITTLE_ENDIAN);
    assertEquals(1, found.getInt(243));
    assertEquals(plain.length, found.getLong(235));
    assertArrayEquals(record, Arrays.copyOfRange(found.array(), plain.length, found.capacity()));
    bytes.putLong(plain.length + 9 + 20, Long.MAX_VALUE);
    Files.write(path, bytes.array());
    assertError("extended variable length records", () -> PointCloud.read(path));
  }

  /** Whatever a byte says, the answer is points or one line that names the file. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "las12-format3.laz",
        "las14-format6.laz",
        "las14-format7.las",
        "flags-format6.laz",
        "attributes-geotiff.laz"
      })
  void believesNoNumber(String name) throws IOException {
    byte[] bytes = Files.readAllBytes(resource(name));
    Path path = folder.resolve(name);
    List<Integer> places = new ArrayList<>();
    IntStream.range(0, Math.min(700, bytes.length)).forEach(places::add);
    IntStream.range(bytes.length - 40, bytes.length).forEach(places::add);
    for (int place : places) {
      byte[] changed = bytes.clone();
      changed[place] = (byte) 0xff;
      Files.write(path, changed);
      try {
        assertTrue(PointCloud.read(path).size() <= 400);
      } catch (PointCloudException e) {
        assertTrue(e.getMessage().startsWith(path.toString()), e::getMessage);
        assertFalse(e.getMessage().contains("\n"), e::getMessage);
      }
    }
  }

  @Test
  void saysWhatDoesNotDecompress() throws IOException {
    byte[] bytes = Files.readAllBytes(resource("flags-format6.laz"));
    String text = new String(bytes, ISO_8859_1);
    int description = text.indexOf("laszip encoded") - 2 + 54;
    Path path = folder.resolve("changed.laz");

    byte[] changed = bytes.clone();
    changed[description + 34 + 4] = 4; // the version of the coder of points
    Files.write(path, changed);
    assertEquals(40, PointCloud.read(path).size());

    changed = bytes.clone();
    changed[description + 34 + 2] = 31; // the size of a point
    Files.write(path, changed);
    assertError("tells of other points than those of format 6", () -> PointCloud.read(path));

    changed = bytes.clone();
    changed[247] = 41; // points
    Files.write(path, changed);
    assertError("is corrupt", () -> PointCloud.read(path));

    Files.writeString(path, "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n");
    assertError("is a Git LFS pointer, not the file itself", () -> PointCloud.read(path));
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
