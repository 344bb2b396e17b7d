package io.github.kpconvx.keras.file;

import static io.github.kpconvx.keras.SmallModel.file;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.SmallModel;
import io.github.kpconvx.keras.weights.WeightStoreTest;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class KerasArchiveTest {
  @TempDir private Path directory;

  @Test
  void tellsVersionDateAndConfiguration() {
    for (String version : SmallModel.VERSIONS) {
      try (KerasArchive archive = KerasArchive.open(file("bare-" + version + ".keras"))) {
        assertEquals(version, archive.kerasVersion());
        assertTrue(archive.dateSaved().orElseThrow().matches("\\d{4}-\\d\\d-\\d\\d@[\\d:]{8}"));
        assertEquals("Functional", archive.config().get("class_name").textValue());
      }
    }
  }

  @Test
  void aCutArchiveIsAnErrorAtEveryLength() throws IOException {
    byte[] whole = Files.readAllBytes(file("bare-3.6.0.keras"));
    for (int length : new int[] {0, 1, 3, 30, 100, 5000, whole.length / 2, whole.length - 1}) {
      Path cut = Files.write(directory.resolve(length + ".keras"), Arrays.copyOf(whole, length));
      WeightStoreTest.refuses(cut, "is no readable .keras archive");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"metadata.json", "config.json"})
  void aMissingEntryIsNamedBesideThoseThatAreThere(String entry) throws IOException {
    Map<String, byte[]> entries = entries();
    entries.remove(entry);
    refuses(entries, "holds 0 entries named " + entry, "found ", "model.weights.h5");
  }

  @Test
  void missingWeightsAreAnErrorOnlyToThoseWhoWantThem() throws IOException {
    Map<String, byte[]> entries = entries();
    entries.remove("model.weights.h5");
    Path path = write(entries);
    try (KerasArchive archive = KerasArchive.open(path)) {
      assertEquals("3.6.0", archive.kerasVersion());
    }
    WeightStoreTest.refuses(
        path, "holds 0 entries named model.weights.h5, expected one; found config.json, metadata");
  }

  @Test
  void textThatIsNoObjectIsRefused() throws IOException {
    Map<String, byte[]> entries = entries();
    entries.put("config.json", bytes("{\"a\": "));
    refuses(entries, "(config.json) is no valid JSON");
    entries.put("config.json", bytes("[1]"));
    refuses(entries, "(config.json) holds a JSON value of type ARRAY, expected an object");
    entries.put("config.json", bytes("[".repeat(100_000)));
    refuses(entries, "(config.json) is no valid JSON");
    entries.put("config.json", bytes("{\"a\": 1, \"a\": 2}"));
    refuses(entries, "(config.json) is no valid JSON", "Duplicate");
    entries.put("config.json", bytes("{\"a\": NaN}"));
    entries.put("metadata.json", bytes("{}"));
    refuses(entries, "(metadata.json) has no text under keras_version");
  }

  @Test
  void bombsAreNotInflated() throws IOException {
    Map<String, byte[]> entries = entries();
    entries.put("config.json", new byte[65 << 20]);
    refuses(entries, "entry config.json has 68157440 bytes, expected at most 67108864");
    entries.put("config.json", new byte[17 << 20]);
    refuses(entries, "entry config.json grows from ", "to 17825792 bytes");
    entries.put("config.json", bytes("{}"));
    entries.put("model.weights.h5", new byte[17 << 20]);
    refuses(entries, "entry model.weights.h5 grows from ", "to 17825792 bytes");
  }

  @Test
  void anEntryThatLiesAboutItsSizeIsRefused() throws IOException {
    for (int lie : new int[] {1, 1000}) {
      Map<String, byte[]> entries = entries();
      entries.put("config.json", bytes("{\"a\": \"" + "x".repeat(300) + "\"}"));
      Path path = write(entries);
      byte[] archive = Files.readAllBytes(path);
      int central = lastIndexOf(archive, bytes("config.json")) - 46;
      ByteBuffer.wrap(archive).order(ByteOrder.LITTLE_ENDIAN).putInt(central + 24, lie);
      Files.write(path, archive);
      KerasException e = assertThrows(KerasException.class, () -> KerasArchive.open(path));
      assertTrue(e.getMessage().contains(path.toString()), e.getMessage());
    }
  }

  @Test
  void aFlippedBitIsFoundByItsChecksum() throws IOException {
    byte[] archive = Files.readAllBytes(file("bare-3.6.0.keras"));
    // The entries are stored, not deflated: the first of the weights' bytes is the HDF5 signature.
    int weights = indexOf(archive, bytes("HDF\r\n"));
    archive[weights + 9000] ^= 1;
    Path path = Files.write(directory.resolve("flipped.keras"), archive);
    WeightStoreTest.refuses(path, "entry model.weights.h5 is damaged: its checksum is");
  }

  @Test
  void weightsThatAreNoHdf5AreRefused() throws IOException {
    Map<String, byte[]> entries = entries();
    entries.put("model.weights.h5", bytes("no HDF5"));
    refuses(entries, "(model.weights.h5) is no readable HDF5 file");
    entries.put("model.weights.h5", Files.readAllBytes(file("soft-link.weights.h5")));
    refuses(entries, "(model.weights.h5): layers/dense/vars/0 is a soft link");
  }

  private void refuses(Map<String, byte[]> entries, String... parts) throws IOException {
    WeightStoreTest.refuses(write(entries), parts);
  }

  private static Map<String, byte[]> entries() throws IOException {
    Map<String, byte[]> entries = new LinkedHashMap<>();
    try (ZipFile zip = new ZipFile(file("bare-3.6.0.keras").toFile())) {
      for (ZipEntry entry : zip.stream().toArray(ZipEntry[]::new)) {
        entries.put(entry.getName(), zip.getInputStream(entry).readAllBytes());
      }
    }
    return entries;
  }

  private Path write(Map<String, byte[]> entries) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
      for (Map.Entry<String, byte[]> entry : entries.entrySet()) {
        zip.putNextEntry(new ZipEntry(entry.getKey()));
        zip.write(entry.getValue());
        zip.closeEntry();
      }
    }
    return Files.write(directory.resolve("made.keras"), bytes.toByteArray());
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static int indexOf(byte[] bytes, byte[] part) {
    return new String(bytes, StandardCharsets.ISO_8859_1)
        .indexOf(new String(part, StandardCharsets.ISO_8859_1));
  }

  private static int lastIndexOf(byte[] bytes, byte[] part) {
    return new String(bytes, StandardCharsets.ISO_8859_1)
        .lastIndexOf(new String(part, StandardCharsets.ISO_8859_1));
  }
}
