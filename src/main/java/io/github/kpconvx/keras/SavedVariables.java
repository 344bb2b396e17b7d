package io.github.kpconvx.keras;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.proto.SavedObjectGraphOuterClass.SavedObject;
import org.tensorflow.proto.SavedObjectGraphOuterClass.SavedObjectGraph;
import org.tensorflow.proto.SavedObjectGraphOuterClass.SavedVariable;
import org.tensorflow.proto.TrackableObjectGraphOuterClass.TrackableObjectGraph.TrackableObject.ObjectReference;

/**
 * The variables that a Keras 3 SavedModel declares.
 *
 * @param weights the model's weights in Keras's order, without the states of random generators
 * @param bare variables of TensorFlow that a layer uses and Keras does not know as weights
 */
record SavedVariables(List<Variable> weights, List<Variable> bare) {
  /** The list of the model's weights in Keras's order. */
  static final String KERAS = "variables";

  /** The list of every variable that the model's functions use, in no particular order. */
  static final String ALL = "_all_variables";

  /**
   * A variable.
   *
   * @param path its place among the SavedModel's objects, which its value's key begins with
   * @param name its name
   * @param shape its shape
   * @param dtype its data type
   * @param trainable whether it is trained
   */
  record Variable(String path, String name, Shape shape, String dtype, boolean trainable) {
    /** The layer that the name begins with; empty if the name has one part only. */
    String layer() {
      return name.contains("/") ? name.substring(0, name.indexOf('/')) : "";
    }

    /** The last part of the name. */
    String lastName() {
      return name.substring(name.lastIndexOf('/') + 1);
    }

    private boolean isSeed() {
      return lastName().equals("seed_generator_state") && dtype.matches("u?int\\d+");
    }
  }

  SavedVariables {
    weights = List.copyOf(weights);
    bare = List.copyOf(bare);
  }

  /**
   * Reads them from a SavedModel's object graph.
   *
   * @param file names the SavedModel in errors
   * @param graph the object graph of a Keras 3 export
   * @return the variables
   * @throws KerasException if the graph contradicts itself
   */
  static SavedVariables of(Path file, SavedObjectGraph graph) {
    List<Variable> keras = list(file, graph, KERAS);
    // The second list repeats the first; what it has beyond that is bare.
    Map<List<Object>, Integer> known = new HashMap<>();
    keras.forEach(variable -> known.merge(identity(variable), 1, Integer::sum));
    List<Variable> bare = new ArrayList<>();
    for (Variable variable : list(file, graph, ALL)) {
      if (known.merge(identity(variable), -1, Integer::sum) < 0) {
        bare.add(variable);
      }
    }
    return new SavedVariables(
        keras.stream().filter(variable -> !variable.isSeed()).toList(),
        bare.stream().filter(variable -> !variable.isSeed()).toList());
  }

  private static List<Object> identity(Variable variable) {
    return List.of(variable.name(), variable.shape(), variable.dtype());
  }

  private static List<Variable> list(Path file, SavedObjectGraph graph, String name) {
    SavedObject list =
        graph.getNodes(0).getChildrenList().stream()
            .filter(child -> child.getLocalName().equals(name))
            .findFirst()
            .map(child -> node(file, graph, child, name))
            .orElseThrow();
    Map<Integer, Variable> byNumber = new TreeMap<>();
    for (ObjectReference child : list.getChildrenList()) {
      String path = name + "/" + child.getLocalName();
      SavedObject node = node(file, graph, child, path);
      if (!child.getLocalName().matches("\\d{1,9}") || !node.hasVariable()) {
        throw new KerasException(
            "%s: object %s is of the kind %s, expected a numbered variable"
                .formatted(file, path, node.getKindCase()));
      }
      SavedVariable variable = node.getVariable();
      byNumber.put(
          Integer.valueOf(child.getLocalName()),
          new Variable(
              path,
              variable.getName().isEmpty() ? path : variable.getName(),
              SavedModelDirectory.shape(variable.getShape()),
              SavedModelDirectory.dtype(variable.getDtype()),
              variable.getTrainable()));
    }
    return List.copyOf(byNumber.values());
  }

  private static SavedObject node(
      Path file, SavedObjectGraph graph, ObjectReference reference, String path) {
    int id = reference.getNodeId();
    if (id < 0 || id >= graph.getNodesCount()) {
      throw new KerasException(
          "%s: object %s is number %d, expected one of the file's %d objects"
              .formatted(file, path, id, graph.getNodesCount()));
    }
    return graph.getNodes(id);
  }
}
