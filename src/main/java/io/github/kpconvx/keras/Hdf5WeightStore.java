package io.github.kpconvx.keras;

import io.jhdf.HdfFile;
import io.jhdf.api.Attribute;
import io.jhdf.api.Dataset;
import io.jhdf.api.Group;
import io.jhdf.api.Link;
import io.jhdf.api.Node;
import io.jhdf.api.dataset.ChunkedDataset;
import io.jhdf.api.dataset.ContiguousDataset;
import io.jhdf.links.ExternalLink;
import io.jhdf.object.datatype.FixedPoint;
import io.jhdf.object.datatype.FloatingPoint;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.types.TFloat32;

/**
 * The weights in an HDF5 file as Keras 3's {@code save_weights} lays it out.
 *
 * <p>A layer's own weights are {@code <layer>/vars/0}, {@code <layer>/vars/1} and so on; a layer in
 * a list of its parent is {@code <parent>/<attribute>/<class in snake case, numbered>}. The names
 * of layers and weights play no part.
 *
 * <p>As Keras's own reader does, this one refuses links, virtual and external datasets, and
 * datasets that declare far more than they store.
 */
final class Hdf5WeightStore implements WeightStore {
  /** Where Keras's trainer keeps state that is not the model's, at the top of a file. */
  private static final Set<String> TRAINER_STATE =
      Set.of("optimizer", "metrics", "_metrics", "_compile_metrics", "_loss_tracker");

  private static final Pattern SEED = Pattern.compile("(.*/)?seed_generator(_\\d+)?/vars/0");

  /** Real weights compress by little; only small datasets may compress well. */
  private static final long MAX_EXPANSION = 100;

  private static final long FREE_EXPANSION = 16L << 20;

  private final Path source;
  private final String file;
  private final HdfFile hdf;
  private final FileChannel channel;
  private final Map<String, Weight> weights = new LinkedHashMap<>();
  private boolean closed;

  private Hdf5WeightStore(Path source, String file, HdfFile hdf, FileChannel channel) {
    this.source = source;
    this.file = file;
    this.hdf = hdf;
    this.channel = channel;
    guarded(
        "",
        () -> {
          refuseLegacy();
          collect(hdf, "", new HashSet<>());
          return null;
        });
  }

  /**
   * Opens a file.
   *
   * @param path a {@code .weights.h5}
   * @return its weights
   * @throws KerasException if it is no such file
   */
  static WeightStore ofFile(Path path) {
    FileChannel channel;
    try {
      channel = FileChannel.open(path, StandardOpenOption.READ);
    } catch (IOException e) {
      throw new KerasException(path + " cannot be read: " + Failures.reason(e), e);
    }
    return open(path, path.toString(), () -> new HdfFile(channel), channel);
  }

  /**
   * Opens a file that is in memory.
   *
   * @param source the file that holds it
   * @param file names it in errors
   * @param bytes its content
   * @return its weights
   * @throws KerasException if it is no weight file
   */
  static WeightStore ofBytes(Path source, String file, byte[] bytes) {
    return open(source, file, () -> HdfFile.fromBytes(bytes), null);
  }

  private static WeightStore open(
      Path source, String file, Supplier<HdfFile> opener, FileChannel channel) {
    HdfFile hdf = null;
    try {
      try {
        hdf = opener.get();
      } catch (RuntimeException e) {
        throw new KerasException(
            file + " is no readable HDF5 file (.weights.h5): " + Failures.reason(e), e);
      }
      return new Hdf5WeightStore(source, file, hdf, channel);
    } catch (RuntimeException e) {
      release(channel, e);
      throw e;
    }
  }

  /**
   * Closes the channel; jHDF itself holds nothing open: it reads from the channel, or from memory.
   */
  private static void release(FileChannel channel, RuntimeException reason) {
    if (channel == null) {
      return;
    }
    try {
      channel.close();
    } catch (IOException e) {
      if (reason == null) {
        throw new KerasException("Closing an HDF5 file failed: " + Failures.reason(e), e);
      }
      reason.addSuppressed(e);
    }
  }

  private void refuseLegacy() {
    Stream.concat(
            hdf.getAttributes().keySet().stream().filter("layer_names"::equals),
            hdf.getChildren().keySet().stream().filter("model_weights"::equals))
        .findFirst()
        .ifPresent(
            sign -> {
              throw new KerasException(
                  "%s is an HDF5 file of Keras 2 (it has %s), expected one of Keras 3:"
                          .formatted(file, sign)
                      + " load it in Keras and call save_weights");
            });
  }

  /** Lists the datasets under a group. Each object is visited once, so a loop cannot be endless. */
  private void collect(Group group, String path, Set<Long> seen) {
    List<Node> children = new ArrayList<>(group.getChildren().values());
    children.sort(
        Comparator.comparingInt((Node node) -> index(node.getName())).thenComparing(Node::getName));
    for (Node child : children) {
      String name = child.getName();
      if (path.isEmpty() && TRAINER_STATE.contains(name)) {
        continue;
      }
      String place = path.isEmpty() ? name : path + "/" + name;
      if (child instanceof Link) {
        throw refused(place, child instanceof ExternalLink ? "an external link" : "a soft link");
      }
      if (!seen.add(child.getAddress())) {
        throw refused(place, "a second link to an object that another path holds");
      }
      if (child instanceof Group inner) {
        guarded(
            place,
            () -> {
              collect(inner, place, seen);
              return null;
            });
      } else if (child instanceof Dataset dataset) {
        Weight weight = guarded(place, () -> new Weight(place, dataset));
        if (!weight.isSeed()) {
          weights.put(place, weight);
        }
      } else {
        throw refused(place, "a " + child.getType());
      }
    }
  }

  /** Numbers sort by value and before all other names. */
  private static int index(String name) {
    return name.matches("\\d{1,9}") ? Integer.parseInt(name) : Integer.MAX_VALUE;
  }

  private KerasException refused(String place, String what) {
    return new KerasException(
        "%s: %s is %s, expected groups and datasets of this very file"
            .formatted(file, place, what));
  }

  /**
   * Runs what reads the file. A hostile file can make the HDF5 library throw nearly anything, also
   * by endless recursion or by asking for an absurd array.
   */
  private <T> T guarded(String place, Supplier<T> read) {
    try {
      return read.get();
    } catch (KerasException e) {
      throw e;
    } catch (RuntimeException | StackOverflowError | OutOfMemoryError e) {
      throw new KerasException(
          "%s%s cannot be read: %s"
              .formatted(file, place.isEmpty() ? "" : ": " + place, Failures.reason(e)),
          e);
    }
  }

  @Override
  public Path source() {
    return source;
  }

  @Override
  public List<StoredWeight> weights() {
    return List.copyOf(weights.values());
  }

  @Override
  public Map<String, StoredWeight> match(LayerSpec model) {
    Map<String, StoredWeight> found = new LinkedHashMap<>();
    Map<String, Weight> left = new LinkedHashMap<>(weights);
    match(model, model.name().isEmpty() ? "" : model.name() + "/", "", left, found);
    left.values().stream()
        .findFirst()
        .ifPresent(
            weight -> {
              throw WeightAlignment.surplus(file, weight);
            });
    WeightAlignment.requireFloat32(file, found);
    return found;
  }

  private void match(
      LayerSpec layer,
      String prefix,
      String group,
      Map<String, Weight> left,
      Map<String, StoredWeight> found) {
    List<Weight> own = new ArrayList<>();
    Weight weight;
    while ((weight = left.get(group + "vars/" + own.size())) != null) {
      own.add(weight);
    }
    var run = WeightAlignment.Run.of(prefix, layer);
    WeightAlignment.align(file + ", " + group + "vars", List.of(run), own)
        .get(0)
        .forEach((name, stored) -> found.put(prefix + name, stored));
    own.forEach(matched -> left.remove(matched.path()));
    layer
        .sublayers()
        .forEach(
            (attribute, sublayers) -> {
              Map<String, Integer> taken = new HashMap<>();
              for (int i = 0; i < sublayers.size(); i++) {
                LayerSpec sublayer = sublayers.get(i);
                match(
                    sublayer,
                    layer.prefixOf(prefix, attribute, i),
                    group + attribute + "/" + ClassNames.groupOf(sublayer, taken) + "/",
                    left,
                    found);
              }
            });
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      release(channel, null);
    }
  }

  /** A dataset. */
  private final class Weight implements StoredWeight {
    private final String path;
    private final String name;
    private final Dataset dataset;
    private final Shape shape;
    private final String dtype;

    Weight(String path, Dataset dataset) {
      this.path = path;
      this.dataset = dataset;
      long[] dimensions = dataset.getDimensionsAsLong();
      shape = Shape.of(dimensions);
      dtype = dtypeOf(dataset);
      name = nameOf(dataset);
      requireStored();
    }

    private void requireStored() {
      int width = dataset.getDataType().getSize();
      long declared = bytes(width, dataset.getDimensionsAsLong());
      long stored = dataset.isEmpty() ? 0 : dataset.getStorageInBytes();
      long room =
          dataset instanceof ContiguousDataset contiguous && stored > 0
              ? hdf.size() - contiguous.getDataAddress()
              : hdf.size();
      stored = Math.max(0, Math.min(stored, room));
      boolean compressed = !dataset.getFilters().isEmpty();
      boolean plausible =
          compressed
              ? stored > 0 && (declared <= FREE_EXPANSION || declared / MAX_EXPANSION <= stored)
              : stored >= declared;
      if (!plausible) {
        throw new KerasException(
            "%s: %s declares shape %s, %d bytes of %s, but stores %d bytes; expected %s"
                .formatted(
                    file,
                    path,
                    WeightAlignment.text(shape),
                    declared,
                    dtype,
                    stored,
                    compressed ? "at least a hundredth of them" : "all of them"));
      }
      if (dataset instanceof ChunkedDataset chunked) {
        int[] chunk = chunked.getChunkDimensions();
        long unpacked = bytes(width, Arrays.stream(chunk).asLongStream().toArray());
        if (unpacked > Math.max(declared, FREE_EXPANSION)) {
          throw new KerasException(
              "%s: %s of shape %s, %d bytes, is cut into chunks of shape %s, expected chunks no larger"
                  .formatted(
                      file, path, WeightAlignment.text(shape), declared, Arrays.toString(chunk)));
        }
      }
    }

    private static long bytes(int width, long[] dimensions) {
      try {
        return Arrays.stream(dimensions).reduce(width, Math::multiplyExact);
      } catch (ArithmeticException e) {
        return Long.MAX_VALUE;
      }
    }

    boolean isSeed() {
      return SEED.matcher(path).matches()
          && dataset.getDataType() instanceof FixedPoint
          && shape.equals(Shape.of(2));
    }

    @Override
    public String path() {
      return path;
    }

    @Override
    public String name() {
      return name;
    }

    @Override
    public Shape shape() {
      return shape;
    }

    @Override
    public String dtype() {
      return dtype;
    }

    @Override
    public TFloat32 read() {
      if (closed) {
        throw new IllegalStateException(file + " is closed");
      }
      WeightAlignment.requireFloat32(file, path, this);
      float[] values =
          guarded(
              path,
              () -> {
                Object data = dataset.getDataFlat();
                if (data instanceof float[] floats && floats.length == shape.size()) {
                  return floats;
                }
                throw new KerasException(
                    "%s: %s cannot be read: it holds other than the %d values it declares"
                        .formatted(file, path, shape.size()));
              });
      return TFloat32.tensorOf(shape, DataBuffers.of(values, true, false));
    }
  }

  /** The name that Keras gave the layer, with the weight's number. */
  private static String nameOf(Dataset dataset) {
    Attribute name = dataset.getParent().getAttribute("name");
    return name != null && name.getData() instanceof String layer
        ? layer + "/" + dataset.getName()
        : dataset.getPath().substring(1);
  }

  private static String dtypeOf(Dataset dataset) {
    Attribute given = dataset.getAttribute("dtype");
    if (given != null && given.getData() instanceof String text) {
      return text; // bfloat16, for which HDF5 has no type
    }
    if (dataset.getDataType() instanceof FloatingPoint real) {
      boolean ieee = real.getSize() != 4 || real.getExponentSize() == 8;
      return (ieee ? "float" : "unusual float") + 8 * real.getSize();
    }
    if (dataset.getDataType() instanceof FixedPoint integer) {
      return (integer.isSigned() ? "int" : "uint") + 8 * integer.getSize();
    }
    return dataset.getDataType().getClass().getSimpleName();
  }
}
