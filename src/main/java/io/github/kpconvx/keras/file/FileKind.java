package io.github.kpconvx.keras.file;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.kpconvx.io.Failures;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.TextFile;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.keras.hdf5.Hdf5File;
import io.github.kpconvx.keras.hdf5.Hdf5WeightWriter;
import io.github.kpconvx.keras.hdf5.LegacyHdf5ModelWriter;
import io.github.kpconvx.keras.savedmodel.CheckpointWeights;
import io.github.kpconvx.keras.savedmodel.SavedModelDirectory;
import io.github.kpconvx.keras.savedmodel.SavedModelWriter;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.tensorflow.SavedModelBundle;
import org.tensorflow.proto.ConfigProto;

/**
 * The kinds of files that hold a Keras model or its weights: those that are read are told apart by
 * their content, those that are written by the name they are to have.
 */
public enum FileKind {
  /** Keras 3's {@code save_model(…, zipped=False)}: what an archive holds, as a folder. */
  UNZIPPED("an unzipped model folder (with config.json and metadata.json)") {
    @Override
    boolean holds(Path path, byte[] start) {
      return Files.isRegularFile(path.resolve(KerasArchive.CONFIG))
          && Files.isRegularFile(path.resolve(KerasArchive.METADATA));
    }

    @Override
    StoredModel open(Path path) {
      return new ArchiveFile(KerasArchive.open(path), "unzipped Keras archive (folder)");
    }
  },

  /** A checkpoint that Keras 2 keeps weights in: its index, its prefix or its folder. */
  CHECKPOINT("a TensorFlow checkpoint (.index)") {
    @Override
    boolean holds(Path path, byte[] start) {
      return !Files.exists(path.resolve(SavedModelDirectory.GRAPH))
          && CheckpointWeights.prefix(path).isPresent();
    }

    @Override
    StoredModel open(Path path) {
      return new CheckpointFile(path);
    }
  },

  /** A directory with a {@code saved_model.pb}. */
  SAVED_MODEL("a SavedModel directory (with saved_model.pb)") {
    @Override
    boolean holds(Path path, byte[] start) {
      return Files.isDirectory(path);
    }

    @Override
    StoredModel open(Path path) {
      return new SavedModelFile(SavedModelDirectory.open(path));
    }

    @Override
    public boolean isDirectory() {
      return true;
    }

    @Override
    public void write(Path directory, WrittenModel model) throws IOException {
      SavedModelWriter.write(
          directory, model.served().get(), model.weights(), model.config(), model.kerasVersion());
      model.assets().copyTo(directory);
      SavedModelBundle.loader(directory.toString()).withConfigProto(CPU_ONLY).load().close();
    }
  },

  /** An HDF5 file, be it a whole model or weights alone; also where its name ends in .keras. */
  HDF5("an HDF5 file (.h5, .weights.h5)") {
    @Override
    boolean holds(Path path, byte[] start) {
      return beginsWith(start, HDF5_START) || (ends(path, ".h5") && !ARCHIVE.holds(path, start));
    }

    @Override
    StoredModel open(Path path) {
      return Hdf5ModelFile.of(path, Hdf5File.open(path));
    }

    @Override
    StoredModel open(Path name, byte[] content) {
      return Hdf5ModelFile.of(name, Hdf5File.of(name, name.toString(), content));
    }

    @Override
    public void write(Path file, WrittenModel model) throws IOException {
      if (!model.holdsConfig()) {
        Hdf5WeightWriter.write(file, model.kerasVersion(), model.spec(), model.weights());
        return;
      }
      ObjectNode config = model.config().json();
      config.remove(KerasObject.KERAS_VERSION); // The file tells it elsewhere.
      LegacyHdf5ModelWriter.write(
          file, config.toString(), model.kerasVersion(), model.spec(), model.weights());
    }
  },

  /** A {@code .keras} archive. */
  ARCHIVE("a .keras archive") {
    @Override
    boolean holds(Path path, byte[] start) {
      return beginsWith(start, ZIP_START) || ends(path, ".keras");
    }

    @Override
    StoredModel open(Path path) {
      return new ArchiveFile(KerasArchive.open(path), "Keras archive (.keras)");
    }

    @Override
    StoredModel open(Path name, byte[] content) {
      return new ArchiveFile(KerasArchive.of(name, content), "Keras archive (.keras)");
    }

    @Override
    public void write(Path file, WrittenModel model) throws IOException {
      KerasArchiveWriter.write(
          file, model.config(), model.kerasVersion(), model.spec(), model.weights());
    }
  },

  /** The index of weights that Keras 3 cut into several HDF5 files. */
  SHARDED_WEIGHTS("sharded weights (.weights.json)") {
    @Override
    boolean holds(Path path, byte[] start) {
      return ends(path, ".json");
    }

    @Override
    StoredModel open(Path path) {
      return new ShardedWeightsFile(path);
    }
  };

  /** How the names of files of weights alone end. */
  static final String WEIGHTS_ALONE = ".weights.h5";

  private static final ConfigProto CPU_ONLY =
      ConfigProto.newBuilder().putDeviceCount("GPU", 0).build();

  private static final byte[] ZIP_START = {'P', 'K'};
  private static final byte[] HDF5_START = {(byte) 0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};

  private final String words;

  FileKind(String words) {
    this.words = words;
  }

  /**
   * Whether a file is of this kind.
   *
   * @param path a file or directory that exists
   * @param start a file's first bytes
   */
  abstract boolean holds(Path path, byte[] start);

  /** Opens a file of this kind. */
  abstract StoredModel open(Path path);

  /** Opens what is in memory; only a file of one piece can be. */
  StoredModel open(Path name, byte[] content) {
    throw new KerasException(
        "%s is %s, of which no more than a part is in memory; expected %s or %s"
            .formatted(name, words, ARCHIVE.words, HDF5.words));
  }

  /**
   * Whether what is written is a directory.
   *
   * @return false for a file
   */
  public boolean isDirectory() {
    return false;
  }

  /**
   * Writes a model as a file of this kind.
   *
   * @param path the file to make, or an empty directory
   * @param model the model
   * @throws IOException if it cannot be written; it may then be there in part
   */
  public void write(Path path, WrittenModel model) throws IOException {
    throw new UnsupportedOperationException(words + " is not written");
  }

  /**
   * The kind that a file's name asks for: a {@code .keras} archive, HDF5, or else a SavedModel
   * directory. Keras 2.12 and its like write HDF5 under {@code .keras} too.
   *
   * @param target what is to be written
   * @param config its model's configuration
   * @return a kind that is {@linkplain #write written}
   * @throws KerasException if the model is not written under such a name
   */
  public static FileKind toWrite(Path target, KerasObject config) {
    if (ends(target, WEIGHTS_ALONE)) {
      return HDF5;
    }
    if (ends(target, ".keras")) {
      return config.isOfKeras2() && config.module().isEmpty() ? HDF5 : ARCHIVE;
    }
    if (ends(target, ".h5") || ends(target, ".hdf5")) {
      if (!config.isOfKeras2()) {
        throw new KerasException(
            target
                + ": expected a name that ends in .weights.h5 or .keras, or that of a directory; a whole"
                + " model as .h5 is written for Keras 2 alone, and this one is of Keras 3");
      }
      return HDF5;
    }
    return SAVED_MODEL;
  }

  /**
   * The kind of what is in memory.
   *
   * @param name names it in errors
   * @param content the bytes of a file
   * @return its kind
   * @throws KerasException if it is none of a file of one piece
   */
  static FileKind of(String name, byte[] content) {
    Path path = Path.of(name);
    TextFile.refusePointer(path, content);
    return Stream.of(HDF5, ARCHIVE)
        .filter(kind -> kind.holds(path, content))
        .findFirst()
        .orElseThrow(
            () -> none(path, Arrays.copyOf(content, Math.min(content.length, HDF5_START.length))));
  }

  /**
   * The kind of a file or directory.
   *
   * @param path a file or directory
   * @return its kind
   * @throws KerasException if there is nothing, or nothing of these kinds
   */
  public static FileKind of(Path path) {
    byte[] nothing = {};
    if (!Files.exists(path) && !CHECKPOINT.holds(path, nothing)) {
      throw new KerasException("No such file or directory: " + path + "; expected " + all());
    }
    TextFile.refusePointer(path);
    byte[] start = Files.isRegularFile(path) ? start(path) : nothing;
    return Stream.of(values())
        .filter(kind -> kind.holds(path, start))
        .findFirst()
        .orElseThrow(() -> none(path, start));
  }

  private static KerasException none(Path path, byte[] start) {
    return new KerasException(
        "%s is none of the kinds that hold weights, expected %s; found a file of %s"
            .formatted(
                path,
                all(),
                start.length == 0
                    ? "0 bytes"
                    : "another kind, which begins with the bytes "
                        + HexFormat.ofDelimiter(" ").formatHex(start)));
  }

  private static String all() {
    return Stream.of(values()).map(kind -> kind.words).collect(Collectors.joining(", "));
  }

  private static boolean ends(Path path, String suffix) {
    return path.toString().endsWith(suffix);
  }

  private static byte[] start(Path path) {
    try (InputStream in = Files.newInputStream(path)) {
      return in.readNBytes(HDF5_START.length);
    } catch (IOException e) {
      throw new KerasException(path + " cannot be read: " + Failures.reason(e), e);
    }
  }

  private static boolean beginsWith(byte[] bytes, byte[] start) {
    return bytes.length >= start.length
        && Arrays.equals(bytes, 0, start.length, start, 0, start.length);
  }
}
