package io.github.kpconvx.inference;

import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.layer.vl3d.GaussianFilter;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.FunctionDef;
import org.tensorflow.proto.MetaGraphDef;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.SavedModel;
import org.tensorflow.proto.TensorProto;

/**
 * What the stored graph of a SavedModel says of filters that its configuration does not explain:
 * whether a layer's exponential is taken of what was negated before, or multiplied by a negative
 * number, as TensorFlow names nodes after their layers. For one thread.
 */
final class StoredFilters {
  private final Supplier<Optional<SavedModel>> graph;
  private List<List<NodeDef>> scopes;

  /**
   * The filters of a graph.
   *
   * @param graph gives the graph, if the model stores one, when it is first asked for
   */
  StoredFilters(Supplier<Optional<SavedModel>> graph) {
    this.graph = graph;
  }

  /**
   * What the filter "gaussian" of a layer means.
   *
   * @param layer the layer's name
   * @return its meaning; unknown if the graph has no such layer, or says both
   * @throws KerasException if the graph cannot be read
   */
  GaussianFilter of(String layer) {
    Set<GaussianFilter> found = EnumSet.noneOf(GaussianFilter.class);
    // Keras numbers the name of a layer that is called once more.
    for (String segment : List.of(Pattern.quote(layer), Pattern.quote(layer) + "_\\d+")) {
      if (found.isEmpty()) {
        scopes().forEach(nodes -> add(nodes, segment, found));
      }
    }
    return found.size() == 1 ? found.iterator().next() : GaussianFilter.UNKNOWN;
  }

  private List<List<NodeDef>> scopes() {
    if (scopes == null) {
      scopes = new ArrayList<>();
      for (MetaGraphDef meta : graph.get().map(SavedModel::getMetaGraphsList).orElse(List.of())) {
        scopes.add(meta.getGraphDef().getNodeList());
        for (FunctionDef function : meta.getGraphDef().getLibrary().getFunctionList()) {
          scopes.add(function.getNodeDefList());
        }
      }
    }
    return scopes;
  }

  private static void add(List<NodeDef> nodes, String segment, Set<GaussianFilter> found) {
    Map<String, NodeDef> own = new HashMap<>();
    String layer = "(.*/)?" + segment + "/.*";
    for (NodeDef node : nodes) {
      if (node.getName().matches(layer)) {
        own.put(node.getName(), node);
      }
    }
    own.values().stream()
        .filter(node -> node.getOp().equals("Exp"))
        .forEach(
            exp ->
                found.add(isNegated(exp, own) ? GaussianFilter.FALLING : GaussianFilter.GROWING));
  }

  /** Whether an exponential follows from a negation in its own layer. */
  private static boolean isNegated(NodeDef exp, Map<String, NodeDef> own) {
    Deque<NodeDef> open = new ArrayDeque<>(List.of(exp));
    Set<String> seen = new HashSet<>();
    while (!open.isEmpty()) {
      NodeDef node = open.pop();
      if (node.getOp().equals("Neg")) {
        return true;
      }
      boolean product = node.getOp().equals("Mul") || node.getOp().equals("RealDiv");
      for (String input : node.getInputList()) {
        NodeDef source = own.get(input.replaceFirst("^\\^", "").replaceFirst(":.*", ""));
        if (product && source != null && isNegativeConstant(source)) {
          return true;
        }
        if (source != null && seen.add(source.getName())) {
          open.push(source);
        }
      }
    }
    return false;
  }

  private static boolean isNegativeConstant(NodeDef node) {
    if (!node.getOp().equals("Const")) {
      return false;
    }
    TensorProto value = node.getAttrOrDefault("value", AttrValue.getDefaultInstance()).getTensor();
    if (value.getFloatValCount() == 1) {
      return value.getFloatVal(0) < 0;
    }
    return value.getTensorContent().size() == Float.BYTES
        && value.getTensorContent().asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN).getFloat()
            < 0;
  }
}
