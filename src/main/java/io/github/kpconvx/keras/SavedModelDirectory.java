package io.github.kpconvx.keras;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.MetaGraphDef;
import org.tensorflow.proto.SavedModel;
import org.tensorflow.proto.SavedObjectGraphOuterClass.SavedObject;
import org.tensorflow.proto.SavedObjectGraphOuterClass.SavedObjectGraph;
import org.tensorflow.proto.SignatureDef;
import org.tensorflow.proto.TensorInfo;
import org.tensorflow.proto.TensorShapeProto;

/**
 * A SavedModel directory: what wrote it, what it offers, and its weights. Its graph is not loaded.
 *
 * <p>Immutable and safe for many threads; holds no native memory and no open file.
 */
public final class SavedModelDirectory {
  static final String GRAPH = "saved_model.pb";
  private static final String KERAS_2_METADATA = "keras_metadata.pb";
  static final String CONFIG = "assets.extra/keras_config.json";
  static final String SERVE = "serve";

  /** Beside {@link #CONFIG}: what an archive tells of itself in a file of this kind. */
  static final String METADATA = "assets.extra/keras_metadata.json";

  /** The version that {@link SavedModelWriter} gives its graphs. */
  static final String WRITTEN_HERE = "kpconvx-tensorflow";

  private static final long MAX_JSON = 64L << 20;
  private static final Pattern KERAS_VERSION =
      Pattern.compile("\"keras_version\"\\s*:\\s*\"([^\"\\\\]{1,40})\"");

  /** What wrote a SavedModel. */
  public enum Writer {
    /** {@code model.export} or {@code ExportArchive} of Keras 3: weights and graph only. */
    KERAS_3_EXPORT("Keras 3 export"),
    /** {@link SavedModelWriter}, in the form of a Keras 3 export. */
    KPCONVX_TENSORFLOW("KPConvX for TensorFlow Java"),
    /** {@code model.save} of Keras 2: also the configuration, in {@code keras_metadata.pb}. */
    KERAS_2_SAVE("Keras 2 save"),
    /** {@code tf.saved_model.save} or anything else. */
    TENSORFLOW("TensorFlow save");

    private final String text;

    Writer(String text) {
      this.text = text;
    }

    @Override
    public String toString() {
      return text;
    }

    /**
     * Whether the weights can be read: not so the variables of any other program.
     *
     * @return true if they stand in Keras 3's order
     */
    public boolean holdsWeights() {
      return this == KERAS_3_EXPORT || this == KPCONVX_TENSORFLOW;
    }
  }

  private final Path path;
  private final Writer writer;
  private final Optional<String> tensorFlowVersion;
  private final Optional<String> kerasVersion;
  private final List<Signature> signatures;
  private final SavedVariables variables;

  private SavedModelDirectory(Path path, MetaGraphDef graph) {
    this.path = path;
    writer = writerOf(path, graph);
    tensorFlowVersion =
        Optional.of(graph.getMetaInfoDef().getTensorflowVersion()).filter(v -> !v.isEmpty());
    kerasVersion = kerasVersionIn(path);
    signatures =
        graph.getSignatureDefMap().entrySet().stream()
            .filter(entry -> !entry.getKey().startsWith("__saved_model"))
            .map(entry -> signature(entry.getKey(), entry.getValue()))
            .sorted(java.util.Comparator.comparing(Signature::name))
            .toList();
    variables =
        writer.holdsWeights()
            ? SavedVariables.of(path, graph.getObjectGraphDef())
            : new SavedVariables(List.of(), List.of());
  }

  /**
   * Opens a directory.
   *
   * @param path a directory with a {@code saved_model.pb}
   * @return what it holds
   * @throws KerasException if it is no readable SavedModel
   */
  public static SavedModelDirectory open(Path path) {
    Path file = path.resolve(GRAPH);
    if (!Files.isRegularFile(file)) {
      throw new KerasException(
          "%s is no SavedModel: has no %s, found %s".formatted(path, GRAPH, listing(path)));
    }
    SavedModel model;
    try (InputStream in = new BufferedInputStream(Files.newInputStream(file))) {
      model = SavedModel.parseFrom(in);
    } catch (IOException e) {
      throw new KerasException(file + " is damaged or unreadable: " + Failures.reason(e), e);
    }
    MetaGraphDef graph =
        model.getMetaGraphsList().stream()
            .filter(candidate -> candidate.getMetaInfoDef().getTagsList().contains(SERVE))
            .findFirst()
            .orElseThrow(
                () ->
                    new KerasException(
                        "%s holds no graph with the tag '%s', found graphs with the tags %s"
                            .formatted(
                                file,
                                SERVE,
                                model.getMetaGraphsList().stream()
                                    .map(other -> other.getMetaInfoDef().getTagsList())
                                    .toList())));
    return new SavedModelDirectory(path, graph);
  }

  /**
   * The directory.
   *
   * @return its path
   */
  public Path path() {
    return path;
  }

  /**
   * What wrote it.
   *
   * @return the kind of SavedModel
   */
  public Writer writer() {
    return writer;
  }

  /**
   * The version of TensorFlow that wrote it, such as {@code 2.18.0}.
   *
   * @return the version, if the file tells
   */
  public Optional<String> tensorFlowVersion() {
    return tensorFlowVersion;
  }

  /**
   * The version of Keras that wrote it. Keras 3 leaves none in a SavedModel.
   *
   * @return the version, if the directory tells
   */
  public Optional<String> kerasVersion() {
    return kerasVersion;
  }

  /**
   * What can be run, by name in alphabetical order.
   *
   * @return the signatures
   */
  public List<Signature> signatures() {
    return signatures;
  }

  /**
   * The model's configuration that an export helper may have put in {@code
   * assets.extra/keras_config.json}.
   *
   * @return a serialized Keras object, if the file is there
   * @throws KerasException if the file is no JSON object
   */
  public Optional<JsonNode> config() {
    Path file = path.resolve(CONFIG);
    if (!Files.exists(file)) {
      return Optional.empty();
    }
    return Optional.of(Json.object(read(file), file.toString()));
  }

  /**
   * The weights, read from the checkpoint one at a time as they are asked for.
   *
   * @return the weights, the caller's to close
   * @throws KerasException if it is not a Keras 3 export or its checkpoint is missing
   */
  public WeightStore weights() {
    if (!writer.holdsWeights()) {
      throw new KerasException(
          "%s is a SavedModel of the kind '%s', which is not supported yet as a source of weights;"
                  .formatted(path, writer)
              + " expected a SavedModel of model.export of Keras 3, a .keras archive or a"
              + " .weights.h5");
    }
    Path index = path.resolve(Checkpoint.PREFIX + ".index");
    if (!Files.isRegularFile(index)) {
      throw new KerasException(
          "%s holds no weights: has no %s, found %s"
              .formatted(path, index.getFileName(), listing(index.getParent())));
    }
    return new SavedModelWeightStore(path, variables);
  }

  private static Writer writerOf(Path path, MetaGraphDef metaGraph) {
    SavedObjectGraph graph = metaGraph.getObjectGraphDef();
    SavedObject root = graph.getNodesCount() == 0 ? null : graph.getNodes(0);
    if (Files.exists(path.resolve(KERAS_2_METADATA))
        || (root != null && root.getUserObject().getIdentifier().startsWith("_tf_keras"))) {
      return Writer.KERAS_2_SAVE;
    }
    boolean keras3 =
        root != null
            && Stream.of(SavedVariables.KERAS, SavedVariables.ALL)
                .allMatch(
                    list ->
                        root.getChildrenList().stream()
                            .anyMatch(child -> child.getLocalName().equals(list)));
    if (!keras3) {
      return Writer.TENSORFLOW;
    }
    return metaGraph.getMetaInfoDef().getMetaGraphVersion().equals(WRITTEN_HERE)
        ? Writer.KPCONVX_TENSORFLOW
        : Writer.KERAS_3_EXPORT;
  }

  private static Optional<String> kerasVersionIn(Path path) {
    return Stream.of(KERAS_2_METADATA, METADATA, CONFIG)
        .map(path::resolve)
        .filter(Files::isRegularFile)
        .map(file -> KERAS_VERSION.matcher(new String(read(file), StandardCharsets.ISO_8859_1)))
        .filter(Matcher::find)
        .map(matcher -> matcher.group(1))
        .findFirst();
  }

  private static byte[] read(Path file) {
    try {
      long size = Files.size(file);
      if (size > MAX_JSON) {
        throw new KerasException(
            "%s has %d bytes, expected at most %d".formatted(file, size, MAX_JSON));
      }
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw new KerasException(file + " cannot be read: " + Failures.reason(e), e);
    }
  }

  private static String listing(Path directory) {
    try (Stream<Path> files = Files.list(directory)) {
      return ClassNames.list(files.map(file -> file.getFileName().toString()).sorted().toList());
    } catch (IOException e) {
      return "no readable directory " + directory;
    }
  }

  private static Signature signature(String name, SignatureDef signature) {
    return new Signature(
        name, tensors(signature.getInputsMap()), tensors(signature.getOutputsMap()));
  }

  private static List<Signature.Tensor> tensors(Map<String, TensorInfo> tensors) {
    return tensors.entrySet().stream()
        .map(
            entry ->
                new Signature.Tensor(
                    entry.getKey(),
                    dtype(entry.getValue().getDtype()),
                    shape(entry.getValue().getTensorShape())))
        .sorted(java.util.Comparator.comparing(Signature.Tensor::name))
        .toList();
  }

  /**
   * A data type as Keras names it.
   *
   * @param type TensorFlow's
   * @return such as {@code float32}
   */
  static String dtype(DataType type) {
    return switch (type) {
      case DT_HALF -> "float16";
      case DT_FLOAT -> "float32";
      case DT_DOUBLE -> "float64";
      default -> type.name().replaceFirst("^DT_", "").toLowerCase(Locale.ROOT);
    };
  }

  /**
   * A shape of TensorFlow's in Java.
   *
   * @param shape a shape, of which dimensions or all may be unknown
   * @return the shape
   */
  static Shape shape(TensorShapeProto shape) {
    return shape.getUnknownRank()
        ? Shape.unknown()
        : Shape.of(
            shape.getDimList().stream()
                .mapToLong(dimension -> Math.max(Shape.UNKNOWN_SIZE, dimension.getSize()))
                .toArray());
  }
}
