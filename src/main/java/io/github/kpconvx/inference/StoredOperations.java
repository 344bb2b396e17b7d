package io.github.kpconvx.inference;

import io.github.kpconvx.keras.KerasException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.FunctionDef;
import org.tensorflow.proto.MetaGraphDef;
import org.tensorflow.proto.NameAttrList;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.SavedModel;
import org.tensorflow.proto.SignatureDef;
import org.tensorflow.proto.TensorInfo;

/**
 * Looks for operations of a stored graph that do more than compute, since TensorFlow runs whatever
 * it finds. Known are those listed in {@code stored_operations.txt}; whatever is not among them is
 * refused, wherever it stands in the graph. Those that save and restore variables every SavedModel
 * has, for TensorFlow's own loader: they are refused where an answer would run them.
 */
final class StoredOperations {
  private static final String LIST = "stored_operations.txt";

  private static final Set<String> COMPUTING = read();

  private static final Set<String> SAVING =
      Set.of("SaveV2", "RestoreV2", "MergeV2Checkpoints", "Save", "Restore");

  /** Collections of what TensorFlow's loader runs, in the manner of TensorFlow 1. */
  private static final List<String> INITIALIZERS =
      List.of("saved_model_main_op", "legacy_init_op", "saved_model_init_op");

  /** The signature that names what TensorFlow's loader runs. */
  private static final String INITIALIZER = "__saved_model_init_op";

  /** TensorFlow may take functions of the same interface for one another. */
  private static final String INTERFACE = "api_implements";

  private static final int NAMED = 3;

  private final MetaGraphDef graph;
  private final Map<String, FunctionDef> functions;

  /** A node and where it stands. */
  private record Place(String function, NodeDef node) {
    @Override
    public String toString() {
      return node.getOp()
          + " (node "
          + node.getName()
          + (function.isEmpty() ? ")" : " of the function " + function + ")");
    }
  }

  private StoredOperations(MetaGraphDef graph) {
    this.graph = graph;
    this.functions =
        graph.getGraphDef().getLibrary().getFunctionList().stream()
            .collect(Collectors.toMap(f -> f.getSignature().getName(), f -> f, (a, b) -> a));
  }

  private static Set<String> read() {
    try (InputStream in = StoredOperations.class.getResourceAsStream(LIST)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8)
          .lines()
          .filter(line -> !line.isEmpty() && !line.startsWith("#"))
          .flatMap(line -> Stream.of(line.split(" ")))
          .collect(Collectors.toUnmodifiableSet());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Refuses a SavedModel with operations that do more than compute, before TensorFlow has run
   * anything of it.
   *
   * @param directory names the SavedModel in errors
   * @param model what it stores
   * @param signature the signature that will be run
   * @throws KerasException if it has any; names them and their places
   */
  static void requireComputing(Path directory, SavedModel model, String signature) {
    List<Place> refused =
        model.getMetaGraphsList().stream()
            .flatMap(graph -> new StoredOperations(graph).refused(signature).stream())
            .toList();
    if (!refused.isEmpty()) {
      throw new KerasException(
          "%s: its graph has operations that may reach beyond the model, such as to files, and are not run: %s%s; if you trust the model, allow them (--unsafe-operations, Loader.withUnsafeOperations(true))"
              .formatted(
                  directory,
                  refused.stream()
                      .limit(NAMED)
                      .map(Place::toString)
                      .collect(Collectors.joining(", ")),
                  refused.size() > NAMED ? " and %d more".formatted(refused.size() - NAMED) : ""));
    }
  }

  private List<Place> refused(String signature) {
    List<Place> refused = new ArrayList<>();
    places()
        .filter(place -> !isCall(place.node()))
        .filter(place -> !COMPUTING.contains(place.node().getOp()))
        .filter(place -> !SAVING.contains(place.node().getOp()))
        .forEach(refused::add);
    run(signature).stream()
        .filter(place -> SAVING.contains(place.node().getOp()))
        .forEach(refused::add);
    return refused;
  }

  /** Functions may be called by their name in the place of an operation's. */
  private boolean isCall(NodeDef node) {
    return functions.containsKey(node.getOp());
  }

  private Stream<Place> places() {
    return Stream.concat(
        graph.getGraphDef().getNodeList().stream().map(node -> new Place("", node)),
        functions.values().stream().flatMap(StoredOperations::places));
  }

  private static Stream<Place> places(FunctionDef function) {
    String name = function.getSignature().getName();
    return function.getNodeDefList().stream().map(node -> new Place(name, node));
  }

  /** What is run for a signature's answers and when the model is loaded, save for restoring. */
  private Set<Place> run(String signature) {
    Map<String, NodeDef> nodes = new LinkedHashMap<>();
    graph.getGraphDef().getNodeList().forEach(node -> nodes.put(node.getName(), node));
    Set<Place> run = new LinkedHashSet<>();
    Set<String> called = new LinkedHashSet<>();
    Deque<Place> left = new ArrayDeque<>();
    roots(signature).forEach(name -> visit(name, nodes, run, left));
    while (!left.isEmpty()) {
      Place place = left.remove();
      if (place.function().isEmpty()) {
        place.node().getInputList().forEach(name -> visit(name, nodes, run, left));
      }
      for (FunctionDef function : calls(place.node())) {
        if (called.add(function.getSignature().getName())) {
          places(function).filter(run::add).forEach(left::add);
        }
      }
    }
    return run;
  }

  private List<String> roots(String signature) {
    List<String> roots = new ArrayList<>();
    for (String name : List.of(signature, INITIALIZER)) {
      SignatureDef run = graph.getSignatureDefMap().get(name);
      if (run != null) {
        run.getOutputsMap().values().stream().map(TensorInfo::getName).forEach(roots::add);
      }
    }
    for (String name : INITIALIZERS) {
      if (graph.containsCollectionDef(name)) {
        roots.addAll(graph.getCollectionDefOrThrow(name).getNodeList().getValueList());
      }
    }
    return roots;
  }

  /** Takes note of a node by the name of a tensor of its, or of itself as what comes before. */
  private static void visit(
      String tensor, Map<String, NodeDef> nodes, Set<Place> run, Deque<Place> left) {
    int colon = tensor.indexOf(':');
    String name =
        tensor.substring(tensor.startsWith("^") ? 1 : 0, colon < 0 ? tensor.length() : colon);
    NodeDef node = nodes.get(name);
    if (node != null && run.add(new Place("", node))) {
      left.add(new Place("", node));
    }
  }

  /** The functions that a node may run. */
  private List<FunctionDef> calls(NodeDef node) {
    List<String> names = new ArrayList<>();
    names.add(node.getOp());
    for (AttrValue value : node.getAttrMap().values()) {
      names.add(value.getFunc().getName());
      value.getList().getFuncList().stream().map(NameAttrList::getName).forEach(names::add);
    }
    return names.stream()
        .filter(functions::containsKey)
        .map(functions::get)
        .map(this::ofTheSameInterface)
        .flatMap(Collection::stream)
        .toList();
  }

  private List<FunctionDef> ofTheSameInterface(FunctionDef function) {
    AttrValue kind = function.getAttrMap().get(INTERFACE);
    return kind == null
        ? List.of(function)
        : functions.values().stream()
            .filter(other -> kind.equals(other.getAttrMap().get(INTERFACE)))
            .toList();
  }
}
