package io.github.kpconvx.numpy;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kpconvx.Fixtures;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NpzFileTest {
  @TempDir private Path directory;

  @Test
  void readsWhatItWrote() {
    Map<String, NpyArray> arrays = new LinkedHashMap<>();
    arrays.put("a/b", NpyArray.of(new float[] {1, Float.NaN, -0f, 4, 5, 6}, 2, 3));
    arrays.put("n", NpyArray.of(new int[] {Integer.MIN_VALUE, 7}, 2));
    arrays.put("l", NpyArray.of(new long[] {Long.MAX_VALUE}));
    arrays.put("empty", NpyArray.of(new int[0], 0, 4));
    Path file = directory.resolve("x.npz");
    NpzFile.write(file, arrays);
    Map<String, NpyArray> again = NpzFile.read(file);
    assertEquals(List.copyOf(arrays.keySet()), List.copyOf(again.keySet()));
    assertArrayEquals(new float[] {1, Float.NaN, -0f, 4, 5, 6}, again.get("a/b").toFloats());
    assertArrayEquals(new long[] {2, 3}, again.get("a/b").shape());
    assertArrayEquals(new int[] {Integer.MIN_VALUE, 7}, again.get("n").toInts());
    assertArrayEquals(new long[] {Long.MAX_VALUE}, again.get("l").toLongs());
    assertEquals(0, again.get("l").shape().length);
    assertArrayEquals(new long[] {0, 4}, again.get("empty").shape());
  }

  @Test
  void readsWhatNumPyWrote() {
    Map<String, NpyArray> golden = NpzFile.read(Fixtures.of("defaults").resolve("golden.npz"));
    assertEquals("float32 (2, 24, 16)", golden.get("output_0").toString());
    assertEquals("bool (2, 24)", golden.get("conv/near_tie").toString());
    assertEquals("float64 (2, 24, 16)", golden.get("oracle/output_0").toString());
  }

  @Test
  void namesWhatIsWrongWithAFile() throws IOException {
    assertRefused(directory.resolve("none.npz"), "there is no such file");
    Path whole = Fixtures.of("defaults").resolve("inputs.npz");
    byte[] bytes = Files.readAllBytes(whole);
    Path cut = directory.resolve("cut.npz");
    Files.write(cut, Arrays.copyOf(bytes, bytes.length / 2));
    assertRefused(cut, "cut short");
    assertRefused(zip("x.txt", "hello".getBytes(StandardCharsets.UTF_8)), "no NumPy array");
    assertRefused(zip("x.npy", "hello".getBytes(StandardCharsets.UTF_8)), "does not start with");
    assertRefused(
        zip("x.npy", npy("{'descr': '|O', 'fortran_order': False, 'shape': (2,), }", 16)),
        "type '|O'");
    assertRefused(
        zip("x.npy", npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }", 15)),
        "should hold 16 bytes, found 15");
    assertRefused(
        zip("x.npy", npy("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999,), }", 4)),
        "larger than 2 GiB");
  }

  /** Made by NumPy, then one byte changed, or one array added twice. */
  @Test
  void believesNothingThatWasDamaged() throws IOException {
    Path resources = Path.of("src/test/resources/io/github/kpconvx/numpy");
    assertRefused(resources.resolve("npz_crc_wrong.npz"), "is damaged");
    assertRefused(resources.resolve("npz_member_twice.npz"), "twice");
    byte[] whole = Files.readAllBytes(Fixtures.of("defaults").resolve("inputs.npz"));
    Map<String, NpyArray> expected = NpzFile.read(Fixtures.of("defaults").resolve("inputs.npz"));
    Path changed = directory.resolve("changed.npz");
    for (int at = 0; at < whole.length; at += 97) {
      byte[] bytes = whole.clone();
      bytes[at] ^= 1;
      Files.write(changed, bytes);
      try {
        // What is read all the same is what was written: the byte is one that says nothing.
        NpzFile.read(changed)
            .forEach(
                (name, array) -> assertEquals(expected.get(name).bytes(), array.bytes(), name));
      } catch (NumpyException e) {
        assertTrue(e.getMessage().contains("changed.npz"), e.getMessage());
      }
    }
  }

  @Test
  void readsAndWritesEveryType() {
    Map<String, NpyArray> arrays = new LinkedHashMap<>();
    for (NpyArray.Type type : NpyArray.Type.values()) {
      if (type.isString()) {
        continue;
      }
      // Zeros and ones, whatever the size of an element is.
      ByteBuffer data = ByteBuffer.allocate(2 * 3 * type.size());
      for (int i = 0; i < data.capacity(); i += type.size()) {
        data.put(i, (byte) 1);
      }
      arrays.put(type.numpyName(), NpyArray.of(type, data, 2, 3));
    }
    Path file = directory.resolve("types.npz");
    NpzFile.write(file, arrays);
    Map<String, NpyArray> again = NpzFile.read(file);
    arrays.forEach(
        (name, array) -> {
          assertEquals(array.toString(), again.get(name).toString());
          assertEquals(array.bytes(), again.get(name).bytes());
        });
    assertThrows(
        NumpyException.class, () -> NpyArray.of(NpyArray.Type.FLOAT16, ByteBuffer.allocate(4), 3));
  }

  @Test
  void readsAndWritesStrings() {
    List<String> texts = List.of("", "ground", "Gebäude", "電線 🗼");
    List<byte[]> strings = List.of(new byte[0], new byte[] {0, -1}, new byte[] {7});
    Map<String, NpyArray> arrays = new LinkedHashMap<>();
    arrays.put("texts", NpyArray.ofTexts(texts, 2, 2));
    arrays.put("bytes", NpyArray.ofBytes(strings, 3));
    arrays.put("none", NpyArray.ofTexts(List.of(), 0, 2));
    Path file = directory.resolve("strings.npz");
    NpzFile.write(file, arrays);
    Map<String, NpyArray> again = NpzFile.read(file);
    assertEquals("text (2, 2)", again.get("texts").toString());
    assertEquals(texts, again.get("texts").toTexts());
    assertArrayEquals(strings.toArray(), again.get("bytes").toByteStrings().toArray());
    assertEquals(List.of(), again.get("none").toTexts());
    assertArrayEquals(
        "Gebäude".getBytes(StandardCharsets.UTF_8),
        again.get("texts").as(NpyArray.Type.BYTES).toByteStrings().get(2));
    assertEquals(List.of("電線 🗼"), again.get("texts").unstack().get(1).toTexts().subList(1, 2));
    assertThrows(NumpyException.class, () -> NpyArray.ofBytes(List.of(new byte[] {1, 0}), 1));
    assertThrows(NumpyException.class, () -> again.get("bytes").toTexts());
    assertThrows(NumpyException.class, () -> again.get("texts").as(NpyArray.Type.INT64));
  }

  /** Bytes of {@code numpy.array([["a", "bc"], ["", "d"]])}, in the order named. */
  @ParameterizedTest
  @CsvSource({"<U2,False", "<U2,True", ">U2,False", ">U2,True"})
  void readsStringsInEveryOrder(String descr, String fortran) throws IOException {
    int[] stored =
        fortran.equals("True")
            ? new int[] {'a', 0, 0, 0, 'b', 'c', 'd', 0}
            : new int[] {'a', 0, 'b', 'c', 0, 0, 'd', 0};
    String header = "{'descr': '%s', 'fortran_order': %s, 'shape': (2, 2), }";
    byte[] bytes = npy(header.formatted(descr, fortran), 32);
    ByteOrder order = descr.startsWith(">") ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN;
    ByteBuffer.wrap(bytes, bytes.length - 32, 32).slice().order(order).asIntBuffer().put(stored);
    NpyArray array = NpzFile.read(zip("x.npy", bytes)).get("x");
    assertEquals(List.of("a", "bc", "", "d"), array.toTexts());
    assertEquals(4, array.size());
  }

  @Test
  void believesNoRoomThatIsNotThere() throws IOException {
    for (String descr : List.of("<U999999999", "|S999999999", "<U536870912")) {
      byte[] bytes =
          npy("{'descr': '" + descr + "', 'fortran_order': True, 'shape': (2, 2), }", 32);
      assertRefused(zip("x.npy", bytes), "2 GiB");
    }
    byte[] bytes = npy("{'descr': '|S0', 'fortran_order': True, 'shape': (2, 2), }", 0);
    assertEquals(4, NpzFile.read(zip("x.npy", bytes)).get("x").toByteStrings().size());
  }

  /** Bytes of {@code numpy.arange(6, dtype=dtype).reshape(2, 3)}, in the order named. */
  @ParameterizedTest
  @CsvSource({"<i4,False", "<i4,True", ">i4,False", ">i4,True"})
  void readsEveryOrderOfBytesAndAxes(String descr, String fortran) throws IOException {
    int[] stored =
        fortran.equals("True") ? new int[] {0, 3, 1, 4, 2, 5} : new int[] {0, 1, 2, 3, 4, 5};
    String header = "{'descr': '%s', 'fortran_order': %s, 'shape': (2, 3), }";
    byte[] bytes = npy(header.formatted(descr, fortran), 24);
    ByteOrder order = descr.startsWith(">") ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN;
    ByteBuffer.wrap(bytes, bytes.length - 24, 24).slice().order(order).asIntBuffer().put(stored);
    NpyArray array = NpzFile.read(zip("x.npy", bytes)).get("x");
    assertEquals("int32 (2, 3)", array.toString());
    assertArrayEquals(new int[] {0, 1, 2, 3, 4, 5}, array.toInts());
  }

  @Test
  void readsFortranOrderOfManyAxes() throws IOException {
    byte[] bytes = npy("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3, 4), }", 24);
    byte[] expected = new byte[24];
    for (int i = 0; i < 2; i++) {
      for (int j = 0; j < 3; j++) {
        for (int k = 0; k < 4; k++) {
          byte value = (byte) (100 * i + 10 * j + k);
          bytes[bytes.length - 24 + i + 2 * j + 6 * k] = value;
          expected[(i * 3 + j) * 4 + k] = value;
        }
      }
    }
    NpyArray array = NpzFile.read(zip("x.npy", bytes)).get("x");
    assertEquals(ByteBuffer.wrap(expected), array.bytes());
    byte[] none = npy("{'descr': '>f8', 'fortran_order': True, 'shape': (0, 3), }", 0);
    assertEquals("float64 (0, 3)", NpzFile.read(zip("x.npy", none)).get("x").toString());
  }

  @Test
  void readsHalves() {
    short[] halves = {0x3C00, (short) 0xC000, 0x0001, 0x7BFF, 0x7C00, 0x7E00, (short) 0x8000};
    double[] expected = {1, -2, 0x1p-24, 65504, Double.POSITIVE_INFINITY, Double.NaN, -0.0};
    ByteBuffer data = ByteBuffer.allocate(14).order(ByteOrder.LITTLE_ENDIAN);
    data.asShortBuffer().put(halves);
    assertArrayEquals(expected, NpyArray.of(NpyArray.Type.FLOAT16, data, 7).toDoubles());
    data.asShortBuffer().put(0, (short) 0x3FC0);
    assertEquals(1.5, NpyArray.of(NpyArray.Type.BFLOAT16, data, 7).toDoubles()[0]);
  }

  private static NpyArray array(NpyArray.Type type, int... bytes) {
    ByteBuffer data = ByteBuffer.allocate(bytes.length);
    for (int value : bytes) {
      data.put((byte) value);
    }
    return NpyArray.of(type, data.rewind(), bytes.length / type.size());
  }

  @Test
  void integersAreReadWhateverTheirSizeAndSign() {
    assertArrayEquals(new long[] {-128, 127}, array(NpyArray.Type.INT8, 0x80, 0x7F).toLongs());
    assertArrayEquals(new long[] {128, 255}, array(NpyArray.Type.UINT8, 0x80, 0xFF).toLongs());
    assertArrayEquals(new long[] {-32768}, array(NpyArray.Type.INT16, 0, 0x80).toLongs());
    assertArrayEquals(new long[] {32768}, array(NpyArray.Type.UINT16, 0, 0x80).toLongs());
    assertArrayEquals(
        new long[] {Integer.MIN_VALUE}, array(NpyArray.Type.INT32, 0, 0, 0, 0x80).toLongs());
    assertArrayEquals(new long[] {1L << 31}, array(NpyArray.Type.UINT32, 0, 0, 0, 0x80).toLongs());
    assertArrayEquals(
        new long[] {1L << 56}, array(NpyArray.Type.UINT64, 0, 0, 0, 0, 0, 0, 0, 1).toLongs());
    NumpyException tooLarge =
        assertThrows(
            NumpyException.class,
            () -> array(NpyArray.Type.UINT64, 0, 0, 0, 0, 0, 0, 0, 0x80).toLongs());
    assertTrue(
        tooLarge.getMessage().contains("holds 9223372036854775808 at [0], which int64 cannot hold"),
        tooLarge.getMessage());
    assertThrows(NumpyException.class, () -> array(NpyArray.Type.BOOL, 1).toLongs());
  }

  /** Each type's lowest and highest number fits it, the next ones do not. */
  @ParameterizedTest
  @CsvSource({
    "INT8,-128,127",
    "UINT8,0,255",
    "INT16,-32768,32767",
    "UINT16,0,65535",
    "INT32,-2147483648,2147483647",
    "UINT32,0,4294967295",
    "UINT64,0,9223372036854775807"
  })
  void integersBecomeOthersThatCanHoldThem(NpyArray.Type type, long lowest, long highest) {
    NpyArray wide = NpyArray.of(new long[] {lowest, 1, highest}, 3, 1);
    NpyArray narrow = wide.as(type);
    assertEquals(type.numpyName() + " (3, 1)", narrow.toString());
    assertArrayEquals(wide.toLongs(), narrow.toLongs());
    assertEquals(wide.bytes(), narrow.as(NpyArray.Type.INT64).bytes());
    long[] beyond =
        highest == Long.MAX_VALUE
            ? new long[] {lowest - 1}
            : new long[] {lowest - 1, highest + 1, Long.MIN_VALUE, Long.MAX_VALUE};
    for (long value : beyond) {
      NumpyException e =
          assertThrows(
              NumpyException.class, () -> NpyArray.of(new long[] {1, value}, 1, 2).as(type));
      assertTrue(
          e.getMessage().contains("int64 (1, 2) holds " + value + " at [0, 1], which "),
          e.getMessage());
    }
  }

  @Test
  void floatsBecomeOthersThatCanHoldThem() {
    double[] exact = {1, -0.0, 0.5, 0x1p-149, Double.NaN, Double.NEGATIVE_INFINITY, 16777216};
    NpyArray doubles = doubles(exact);
    NpyArray floats = doubles.as(NpyArray.Type.FLOAT32);
    assertArrayEquals(exact, floats.toDoubles());
    assertEquals(doubles.bytes(), floats.as(NpyArray.Type.FLOAT64).bytes());
    for (double value : new double[] {0.1, 16777217, 1e300, 1e-300}) {
      String message =
          assertThrows(NumpyException.class, () -> doubles(1, value).as(NpyArray.Type.FLOAT32))
              .getMessage();
      assertTrue(message.contains("holds " + value + " at [1], which float32 cannot"), message);
    }
    NpyArray halves = array(NpyArray.Type.FLOAT16, 0, 0x3C);
    assertArrayEquals(new float[] {1}, halves.as(NpyArray.Type.FLOAT32).toFloats());
    assertThrows(NumpyException.class, () -> floats.as(NpyArray.Type.INT32));
    assertThrows(NumpyException.class, () -> floats.as(NpyArray.Type.FLOAT16));
    assertThrows(
        NumpyException.class, () -> NpyArray.of(new int[] {1}, 1).as(NpyArray.Type.FLOAT32));
    assertThrows(
        NumpyException.class, () -> NpyArray.of(new boolean[] {true}, 1).as(NpyArray.Type.INT32));
  }

  private static NpyArray doubles(double... values) {
    ByteBuffer data = ByteBuffer.allocate(8 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    data.asDoubleBuffer().put(values);
    return NpyArray.of(NpyArray.Type.FLOAT64, data, values.length);
  }

  private Path zip(String name, byte[] content) throws IOException {
    Path file = directory.resolve("made.npz");
    try (ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(file))) {
      out.putNextEntry(new ZipEntry(name));
      out.write(content);
    }
    return file;
  }

  private static byte[] npy(String header, int dataBytes) {
    byte[] text = header.getBytes(StandardCharsets.US_ASCII);
    byte[] bytes = new byte[10 + text.length + dataBytes];
    byte[] start = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (byte) text.length, 0};
    System.arraycopy(start, 0, bytes, 0, 10);
    System.arraycopy(text, 0, bytes, 10, text.length);
    return bytes;
  }

  private static void assertRefused(Path file, String message) {
    NumpyException error = assertThrows(NumpyException.class, () -> NpzFile.read(file));
    assertTrue(error.getMessage().contains(message), error.getMessage());
  }

  @Test
  void aFailedWriteLeavesTheOldFile() throws IOException {
    Path file = directory.resolve("old.npz");
    NpzFile.write(file, Map.of("a", NpyArray.of(new int[] {1}, 1)));
    Map<String, NpyArray> broken = new LinkedHashMap<>();
    broken.put("b", null);
    assertThrows(NullPointerException.class, () -> NpzFile.write(file, broken));
    assertEquals("[a]", NpzFile.read(file).keySet().toString());
    try (var files = Files.list(directory)) {
      assertEquals(1, files.count());
    }
  }
}
