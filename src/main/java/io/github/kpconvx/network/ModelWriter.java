package io.github.kpconvx.network;

import static java.nio.file.LinkOption.NOFOLLOW_LINKS;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.kpconvx.dtype.DType;
import io.github.kpconvx.io.AtomicFile;
import io.github.kpconvx.io.Failures;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.keras.file.FileKind;
import io.github.kpconvx.keras.file.WrittenModel;
import io.github.kpconvx.keras.savedmodel.Assets;
import io.github.kpconvx.keras.weights.LayerSpec;
import io.github.kpconvx.keras.weights.WeightSpec;
import io.github.kpconvx.layer.InputSpec;
import io.github.kpconvx.layer.Layer;
import io.github.kpconvx.layer.LayerVariable;
import io.github.kpconvx.layer.Mode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.tensorflow.Graph;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.family.TType;

/**
 * Writes a model to a file that Keras opens as one of its own: by the target's name a {@code
 * .keras} archive, a {@code .weights.h5}, or else a SavedModel directory.
 *
 * <p>A file appears only when all of it was written, read back and found equal: every weight to the
 * bit, and the configuration. Until then, and after any failure, what was at the target before is
 * still there.
 *
 * <pre>{@code
 * ModelWriter.of(config, registry).write(Path.of("model.keras"), weights);
 * }</pre>
 *
 * <p>Immutable: each {@code with…} gives a new writer.
 *
 * <p>A single serialized layer that a file may hold by itself ({@link
 * io.github.kpconvx.layer.StandaloneLayer}) may stand for a model. Its archive is that of the
 * layer, with a {@code build_config} where it has none, so that Keras builds it; its {@code
 * .weights.h5} is that of a functional model around it.
 */
public final class ModelWriter {
  /**
   * The version of Keras that a file names whose source did not: the oldest one that opens what is
   * written here.
   */
  private static final String KERAS_VERSION = "3.6.0";

  /** What a directory may hold that a SavedModel takes the place of. */
  private static final Set<String> SAVED_MODEL_ENTRIES =
      Set.of(
          "saved_model.pb",
          "fingerprint.pb",
          "keras_metadata.pb",
          "variables",
          "assets",
          "assets.extra");

  private final KerasObject config;
  private final LayerRegistry registry;
  private final String kerasVersion;
  private final Optional<Set<String>> untracked;
  private final Assets assets;

  private ModelWriter(
      KerasObject config,
      LayerRegistry registry,
      String kerasVersion,
      Optional<Set<String>> untracked,
      Assets assets) {
    this.config = config;
    this.registry = registry;
    this.kerasVersion = kerasVersion;
    this.untracked = untracked;
    this.assets = assets;
  }

  /**
   * A writer of a model.
   *
   * @param config a serialized model, or a layer that a file may hold by itself
   * @param registry the layers the model may be made of
   * @return a writer
   */
  public static ModelWriter of(KerasObject config, LayerRegistry registry) {
    return new ModelWriter(config, registry, KERAS_VERSION, Optional.empty(), Assets.NONE);
  }

  /**
   * Gives the model files to stand beside it, such as its preprocessing.
   *
   * @param newAssets the files
   * @return a writer that differs in it alone; what it writes to a {@code .keras} or {@code
   *     .weights.h5}, which hold no such files, is without them
   */
  public ModelWriter withAssets(Assets newAssets) {
    return new ModelWriter(config, registry, kerasVersion, untracked, newAssets);
  }

  /**
   * Says which version of Keras the configuration is from.
   *
   * @param newKerasVersion such as {@code 3.6.0}
   * @return a writer that differs in it alone
   */
  public ModelWriter withKerasVersion(String newKerasVersion) {
    return new ModelWriter(config, registry, newKerasVersion, untracked, assets);
  }

  /**
   * Says which weights the layers in Python hold outside of Keras's, as VL3D's does its kernel
   * points. Not told, they are the kernel points of layers whose class is registered under no
   * package, as VL3D's is.
   *
   * @param newUntracked their {@linkplain LayerSpec#qualifiedWeights() qualified names}
   * @return a writer that differs in it alone
   */
  public ModelWriter withUntrackedWeights(Set<String> newUntracked) {
    return new ModelWriter(
        config, registry, kerasVersion, Optional.of(Set.copyOf(newUntracked)), assets);
  }

  /**
   * Writes the model, replacing nothing and dropping no kernel points.
   *
   * @param target the file or directory to make
   * @param weights the value of every weight by {@linkplain LayerSpec#qualifiedWeights() qualified
   *     name}; they stay the caller's to close
   * @throws KerasException as {@link #write(Path, Map, WriteOptions)}
   */
  public void write(Path target, Map<String, ? extends TType> weights) {
    write(target, weights, WriteOptions.DEFAULT);
  }

  /**
   * Writes the model.
   *
   * @param target the file or directory to make
   * @param weights the value of every weight by {@linkplain LayerSpec#qualifiedWeights() qualified
   *     name}; they stay the caller's to close
   * @param options whether it may replace the target, where kernel points go that it cannot hold
   * @throws KerasException if the target is there and may not be replaced, cannot be written, or
   *     cannot hold the kernel points; if the configuration is not allowed, or is Keras 2's and the
   *     target an archive; if a weight is missing, surplus or of another shape
   */
  public void write(Path target, Map<String, ? extends TType> weights, WriteOptions options) {
    FileKind kind = FileKind.toWrite(target, config);
    if (isLayer()
        && kind == FileKind.HDF5
        && !target.toString().matches(".*\\.(weights\\.h5|keras)")) {
      throw new KerasException(
          target
              + ": expected a name that ends in .weights.h5 or .keras, or that of a directory; only a"
              + " whole model is written as .h5, and this is a layer");
    }
    requireFree(target, kind.isDirectory(), options);
    try (Graph graph = new Graph()) {
      Network network = network(weights);
      Network.Built built = network.build(Ops.create(graph), Mode.INFERENCE);
      requireAll(network.spec(), weights);
      Set<String> apart = untracked.orElseGet(() -> untrackedByClass(network));
      Map<String, TType> held = new LinkedHashMap<>(weights);
      if (!kind.isDirectory()) {
        held.keySet().removeAll(apart);
      }
      boolean archive = kind == FileKind.ARCHIVE;
      WrittenModel model =
          new WrittenModel(
              target,
              archive ? withBuildConfig(network) : config,
              version(),
              archive && isLayer() ? network.layers().get(0).spec() : network.spec(),
              held,
              assets,
              () -> ServingFunction.of(network, built, graph, apart));
      AtomicFile.Writer writer =
          temporary -> {
            kind.write(temporary, model);
            ReadBack.requireEqual(temporary, model);
          };
      if (kind.isDirectory()) {
        AtomicFile.writeDirectory(target, writer);
      } else {
        Map<Path, AtomicFile.Writer> files = new LinkedHashMap<>();
        tables(network, weights, apart, options)
            .forEach((path, points) -> files.put(path, temporary -> writeTable(temporary, points)));
        files.put(target, writer);
        AtomicFile.writeAll(files);
      }
    } catch (IOException e) {
      throw new KerasException(target + ": cannot be written: " + Failures.reason(e), e);
    }
  }

  /** The version that a file names: one of the Keras that its configuration is for. */
  private String version() {
    if (!config.isOfKeras2() || kerasVersion.startsWith(KerasObject.KERAS_2)) {
      return kerasVersion;
    }
    return config.kerasVersion().orElseGet(() -> config.module().isPresent() ? "2.15.0" : "2.12.0");
  }

  private boolean isLayer() {
    return Network.isLayer(config);
  }

  private Network network(Map<String, ? extends TType> weights) {
    return Network.of(config, weights.values().stream().map(TType::shape).toList(), registry);
  }

  private void requireFree(Path target, boolean savedModel, WriteOptions options) {
    Path folder = target.toAbsolutePath().getParent();
    if (folder != null && !Files.isDirectory(folder)) {
      throw new KerasException(target + ": cannot be written: there is no folder " + folder);
    }
    if (!Files.exists(target, NOFOLLOW_LINKS)) {
      return;
    }
    if (!options.replace()) {
      throw new KerasException(
          target + " exists; it is left as it is unless replacing it is asked for (--force)");
    }
    if (savedModel != Files.isDirectory(target)) {
      throw new KerasException(
          "%s is a %s, which a %s does not replace"
              .formatted(
                  target,
                  savedModel ? "file" : "directory",
                  savedModel ? "SavedModel directory" : "file"));
    }
    if (savedModel) {
      List<String> others = entries(target);
      others.removeAll(SAVED_MODEL_ENTRIES);
      if (!others.isEmpty()) {
        throw new KerasException(
            target
                + " holds more than a SavedModel, which would be lost: "
                + String.join(", ", others));
      }
      List<Path> lost = new ArrayList<>(Assets.of(target).files());
      lost.removeAll(assets.files());
      if (!lost.isEmpty()) {
        throw new KerasException(
            target
                + " holds files of its own that the new model has not, and that would be lost: "
                + lost
                + "; move them away first");
      }
    }
  }

  private static List<String> entries(Path directory) {
    try (Stream<Path> entries = Files.list(directory)) {
      return new ArrayList<>(
          entries.map(entry -> entry.getFileName().toString()).sorted().toList());
    } catch (IOException e) {
      throw new KerasException(directory + " cannot be read: " + Failures.reason(e), e);
    }
  }

  private static void requireAll(LayerSpec spec, Map<String, ? extends TType> weights) {
    Map<String, WeightSpec> expected = spec.qualifiedWeights();
    Set<String> missing = new LinkedHashSet<>(expected.keySet());
    missing.removeAll(weights.keySet());
    Set<String> surplus = new LinkedHashSet<>(weights.keySet());
    surplus.removeAll(expected.keySet());
    if (!missing.isEmpty() || !surplus.isEmpty()) {
      throw new KerasException(
          "The weights to write are not the model's: missing are "
              + missing
              + ", surplus are "
              + surplus);
    }
    expected.forEach(
        (name, weight) -> {
          Shape shape = weights.get(name).shape();
          DType type = DType.of(weights.get(name).type());
          if (type != weight.dtype()) {
            throw new KerasException(
                "Weight " + name + " to write is " + type + ", expected " + weight.dtype());
          }
          if (!shape.equals(weight.shape())) {
            throw new KerasException(
                "Weight " + name + " to write has shape " + shape + ", expected " + weight.shape());
          }
        });
  }

  private static Set<String> untrackedByClass(Network network) {
    Set<String> names = new LinkedHashSet<>();
    mayBeUntracked(network)
        .forEach(
            (name, weight) -> {
              if (weight.layer().isApart(weight.weight())) {
                names.add(name);
              }
            });
    return names;
  }

  private record OwnedWeight(Layer layer, LayerVariable weight) {}

  /** The weights that a layer in Python may hold outside of Keras's, by qualified name. */
  private static Map<String, OwnedWeight> mayBeUntracked(Network network) {
    Map<String, OwnedWeight> weights = new LinkedHashMap<>();
    for (Layer outer : network.layers()) {
      outer.visit(
          (prefix, layer) ->
              layer
                  .ownVariables()
                  .forEach(
                      (name, weight) -> {
                        if (weight.spec().floating()) {
                          weights.put(prefix + name, new OwnedWeight(layer, weight));
                        }
                      }));
    }
    return weights;
  }

  /** A layer alone says what it is built for, so that Keras builds it before it loads weights. */
  private KerasObject withBuildConfig(Network network) {
    ObjectNode json = ModuleNames.complete(config, registry).json();
    if (isLayer() && json.path("build_config").path("input_shape").isMissingNode()) {
      var shapes = json.putObject("build_config").putArray("input_shape");
      for (InputSpec input : network.inputs()) {
        var shape = shapes.addArray();
        for (long size : input.shape().asArray()) {
          if (size == Shape.UNKNOWN_SIZE) {
            shape.addNull();
          } else {
            shape.add(size);
          }
        }
      }
    }
    return KerasObject.of(json);
  }

  /** The files for kernel points that the model's file cannot hold. */
  private Map<Path, TFloat32> tables(
      Network network,
      Map<String, ? extends TType> weights,
      Set<String> apart,
      WriteOptions options) {
    Map<Path, TFloat32> tables = new LinkedHashMap<>();
    mayBeUntracked(network)
        .forEach(
            (name, owned) -> {
              if (apart.contains(name)) {
                TFloat32 points = (TFloat32) weights.get(name);
                options
                    .kernelPoints()
                    .of(owned.layer(), owned.weight(), points)
                    .ifPresent(
                        path -> {
                          if (tables.put(path, points) != null) {
                            throw new KerasException(
                                "The kernel points of two layers go to "
                                    + path
                                    + ", expected a file for each (LAYER=Q.csv)");
                          }
                        });
              }
            });
    tables.keySet().forEach(path -> requireFree(path, false, options));
    return tables;
  }

  /** Writes a row a line, with so many digits that reading gives the same bits. */
  private static void writeTable(Path path, TFloat32 values) throws IOException {
    float[] numbers = new float[Math.toIntExact(values.size())];
    values.copyTo(DataBuffers.of(numbers, false, false));
    Shape shape = values.shape();
    int columns = shape.numDimensions() < 2 ? 1 : (int) shape.get(shape.numDimensions() - 1);
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < numbers.length; i++) {
      text.append((double) numbers[i]).append((i + 1) % columns == 0 ? '\n' : ' ');
    }
    Files.writeString(path, text);
  }
}
