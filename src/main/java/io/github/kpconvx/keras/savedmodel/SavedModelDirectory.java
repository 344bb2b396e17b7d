package io.github.kpconvx.keras.savedmodel;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.protobuf.ByteString;
import com.google.protobuf.CodedInputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.UnknownFieldSet;
import com.google.protobuf.WireFormat;
import io.github.kpconvx.dtype.DType;
import io.github.kpconvx.io.Failures;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.Json;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.keras.weights.ClassNames;
import io.github.kpconvx.keras.weights.WeightStore;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.MetaGraphDef;
import org.tensorflow.proto.MetaGraphDef.MetaInfoDef;
import org.tensorflow.proto.SavedModel;
import org.tensorflow.proto.SignatureDef;
import org.tensorflow.proto.TensorInfo;
import org.tensorflow.proto.TensorShapeProto;

/**
 * A SavedModel directory: what wrote it, what it offers, and its weights. Its graph is not loaded.
 *
 * <p>Immutable and safe for many threads; holds no native memory and no open file.
 */
public final class SavedModelDirectory {
  /** The file that makes a directory a SavedModel. */
  public static final String GRAPH = "saved_model.pb";

  private static final String KERAS_2_METADATA = "keras_metadata.pb";
  static final String CONFIG = "assets.extra/keras_config.json";
  static final String SERVE = "serve";

  /** Beside {@link #CONFIG}: what an archive tells of itself in a file of this kind. */
  static final String METADATA = "assets.extra/keras_metadata.json";

  /** The version that {@link SavedModelWriter} gives its graphs. */
  static final String WRITTEN_HERE = "kpconvx-tensorflow";

  private static final long MAX_JSON = 64L << 20;

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
     * @return true if the file tells which variable is which weight
     */
    public boolean holdsWeights() {
      return this != TENSORFLOW;
    }
  }

  private static final int META_GRAPHS = SavedModel.META_GRAPHS_FIELD_NUMBER;
  private static final int META_INFO = MetaGraphDef.META_INFO_DEF_FIELD_NUMBER;
  private static final Set<List<Integer>> COPIED_IN_PART =
      Set.of(List.of(META_GRAPHS), List.of(META_GRAPHS, META_INFO));
  private static final Set<List<Integer>> SKIPPED =
      Set.of(
          List.of(META_GRAPHS, MetaGraphDef.GRAPH_DEF_FIELD_NUMBER),
          List.of(META_GRAPHS, META_INFO, MetaInfoDef.STRIPPED_OP_LIST_FIELD_NUMBER));

  private final Path path;
  private final Writer writer;
  private final Optional<String> tensorFlowVersion;
  private final List<Signature> signatures;
  private final ObjectGraph objects;

  private SavedModelDirectory(Path path, MetaGraphDef graph) {
    this.path = path;
    objects = new ObjectGraph(path, graph.getObjectGraphDef());
    writer = writerOf(path, graph, objects);
    tensorFlowVersion =
        Optional.of(graph.getMetaInfoDef().getTensorflowVersion()).filter(v -> !v.isEmpty());
    signatures =
        graph.getSignatureDefMap().entrySet().stream()
            .filter(entry -> !entry.getKey().startsWith("__saved_model"))
            .map(entry -> signature(entry.getKey(), entry.getValue()))
            .sorted(java.util.Comparator.comparing(Signature::name))
            .toList();
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
      model = SavedModel.parseFrom(withoutGraph(CodedInputStream.newInstance(in), List.of()));
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
   * Copies a message but for its graphs and the list of their operations: they are most of the
   * file, and only TensorFlow, which reads it by itself, needs them.
   *
   * @param in the message
   * @param place numbers of the fields that it is nested in
   */
  private static ByteString withoutGraph(CodedInputStream in, List<Integer> place)
      throws IOException {
    UnknownFieldSet.Builder fields = UnknownFieldSet.newBuilder();
    for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
      int number = WireFormat.getTagFieldNumber(tag);
      List<Integer> field = Stream.concat(place.stream(), Stream.of(number)).toList();
      boolean nested = WireFormat.getTagWireType(tag) == WireFormat.WIRETYPE_LENGTH_DELIMITED;
      if (nested && SKIPPED.contains(field)) {
        in.skipField(tag);
      } else if (nested && COPIED_IN_PART.contains(field)) {
        int end = in.pushLimit(in.readRawVarint32());
        ByteString part = withoutGraph(in, field);
        fields.mergeField(
            number, UnknownFieldSet.Field.newBuilder().addLengthDelimited(part).build());
        in.popLimit(end);
      } else if (!fields.mergeFieldFrom(tag, in)) {
        throw new InvalidProtocolBufferException("A group ends that did not begin");
      }
    }
    return fields.build().toByteString();
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
   * @throws KerasException if the file that would tell is damaged
   */
  public Optional<String> kerasVersion() {
    if (writer == Writer.KERAS_2_SAVE) {
      return metadata().kerasVersion();
    }
    return Stream.of(METADATA, CONFIG)
        .map(path::resolve)
        .filter(Files::exists)
        .map(file -> Json.object(read(file), file.toString()).path(KerasObject.KERAS_VERSION))
        .filter(JsonNode::isTextual)
        .map(JsonNode::textValue)
        .findFirst();
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
   * The model's configuration: what an export helper may have put in {@code
   * assets.extra/keras_config.json}, or Keras 2 in its metadata.
   *
   * @return a serialized Keras object, if the directory holds one
   * @throws KerasException if it is damaged
   */
  public Optional<JsonNode> config() {
    Path file = path.resolve(CONFIG);
    if (!Files.exists(file)) {
      return writer == Writer.KERAS_2_SAVE ? metadata().config() : Optional.empty();
    }
    return Optional.of(Json.object(read(file), file.toString()));
  }

  /**
   * All that a directory's {@code saved_model.pb} says, its graph and functions too.
   *
   * @param directory a SavedModel
   * @return the parsed file
   * @throws KerasException if it cannot be read
   */
  public static SavedModel parse(Path directory) {
    Path file = directory.resolve(GRAPH);
    try {
      return SavedModel.parseFrom(Files.readAllBytes(file));
    } catch (IOException e) {
      throw new KerasException(file + " cannot be read: " + Failures.reason(e), e);
    }
  }

  /**
   * What Keras 2 compiled the model with.
   *
   * @return the settings, if its metadata have them
   * @throws KerasException if they are damaged
   */
  public Optional<JsonNode> compiled() {
    return writer == Writer.KERAS_2_SAVE ? metadata().compiled() : Optional.empty();
  }

  /**
   * The weights, read from the checkpoint one at a time as they are asked for.
   *
   * @return the weights, the caller's to close
   * @throws KerasException if Keras did not write it, it is damaged or its checkpoint is missing
   */
  public WeightStore weights() {
    if (!writer.holdsWeights()) {
      throw new KerasException(
          "%s is a SavedModel of the kind '%s', which does not tell what its variables are; expected"
                  .formatted(path, writer)
              + " one of model.export of Keras 3 or model.save of Keras 2");
    }
    Path index = path.resolve(Checkpoint.PREFIX + ".index");
    if (!Files.isRegularFile(index)) {
      throw new KerasException(
          "%s holds no weights: has no %s, found %s"
              .formatted(path, index.getFileName(), listing(index.getParent())));
    }
    return writer == Writer.KERAS_2_SAVE
        ? new Keras2WeightStore(path, objects, metadata())
        : new SavedModelWeightStore(path, SavedVariables.of(objects));
  }

  private Keras2Metadata metadata() {
    Path file = path.resolve(KERAS_2_METADATA);
    if (!Files.isRegularFile(file)) {
      throw new KerasException(
          "%s is a SavedModel of the kind '%s' but has no %s, found %s"
              .formatted(path, writer, KERAS_2_METADATA, listing(path)));
    }
    return new Keras2Metadata(read(file), file.toString());
  }

  private static Writer writerOf(Path path, MetaGraphDef graph, ObjectGraph objects) {
    if (Files.exists(path.resolve(KERAS_2_METADATA))
        || (!objects.isEmpty() && objects.identifier(ObjectGraph.ROOT).startsWith("_tf_keras"))) {
      return Writer.KERAS_2_SAVE;
    }
    boolean keras3 =
        !objects.isEmpty()
            && Stream.of(SavedVariables.KERAS, SavedVariables.ALL)
                .allMatch(list -> objects.child(ObjectGraph.ROOT, "", list).isPresent());
    if (!keras3) {
      return Writer.TENSORFLOW;
    }
    return graph.getMetaInfoDef().getMetaGraphVersion().equals(WRITTEN_HERE)
        ? Writer.KPCONVX_TENSORFLOW
        : Writer.KERAS_3_EXPORT;
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
    return DType.of(type)
        .map(DType::toString)
        .orElseGet(() -> type.name().replaceFirst("^DT_", "").toLowerCase(Locale.ROOT));
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
