package io.github.kpconvx.keras.savedmodel;

import io.github.kpconvx.keras.KerasException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;
import org.tensorflow.proto.SavedObjectGraphOuterClass.SavedObject;
import org.tensorflow.proto.SavedObjectGraphOuterClass.SavedObjectGraph;
import org.tensorflow.proto.SavedObjectGraphOuterClass.SavedVariable;
import org.tensorflow.proto.TrackableObjectGraphOuterClass.TrackableObjectGraph.TrackableObject.ObjectReference;

/**
 * The Python objects that a SavedModel remembers: numbered nodes whose children have the names of
 * the objects' attributes. Node 0 is the model.
 */
final class ObjectGraph {
  /** The number of the model. */
  static final int ROOT = 0;

  private final Path file;
  private final SavedObjectGraph graph;

  /**
   * A SavedModel's objects.
   *
   * @param file names the SavedModel in errors
   * @param graph its objects
   */
  ObjectGraph(Path file, SavedObjectGraph graph) {
    this.file = file;
    this.graph = graph;
  }

  /** Whether there is no object at all. */
  boolean isEmpty() {
    return graph.getNodesCount() == 0;
  }

  /** What a Python object was, such as {@code _tf_keras_layer}; empty for other nodes. */
  String identifier(int node) {
    return graph.getNodes(node).getUserObject().getIdentifier();
  }

  /**
   * An object's attributes.
   *
   * @param node its number
   * @param path its place, for messages
   * @return the attributes' numbers by name, in the file's order
   * @throws KerasException if the file has no object of such a number
   */
  Map<String, Integer> children(int node, String path) {
    Map<String, Integer> children = new LinkedHashMap<>();
    for (ObjectReference child : graph.getNodes(node).getChildrenList()) {
      int id = child.getNodeId();
      if (id < 0 || id >= graph.getNodesCount()) {
        throw new KerasException(
            "%s: object %s is number %d, expected one of the file's %d objects"
                .formatted(file, join(path, child.getLocalName()), id, graph.getNodesCount()));
      }
      children.put(child.getLocalName(), id);
    }
    return children;
  }

  /** The number of an object's attribute, if it has one of that name. */
  OptionalInt child(int node, String path, String name) {
    Integer child = children(node, path).get(name);
    return child == null ? OptionalInt.empty() : OptionalInt.of(child);
  }

  /**
   * A variable.
   *
   * @param node its number
   * @param path its place
   * @return the variable
   * @throws KerasException if the object is no variable
   */
  SavedVariables.Variable variable(int node, String path) {
    SavedObject object = graph.getNodes(node);
    if (!object.hasVariable()) {
      throw new KerasException(
          "%s: object %s is of the kind %s, expected a variable"
              .formatted(file, path, object.getKindCase()));
    }
    SavedVariable variable = object.getVariable();
    return new SavedVariables.Variable(
        path,
        variable.getName().isEmpty() ? path : variable.getName(),
        SavedModelDirectory.shape(variable.getShape()),
        SavedModelDirectory.dtype(variable.getDtype()),
        variable.getTrainable());
  }

  /**
   * A list of variables that the model holds in an attribute.
   *
   * @param name the attribute
   * @return the variables by their numbers as objects, in the list's order; empty if there is no
   *     such attribute
   * @throws KerasException if it is no list of variables
   */
  Map<Integer, SavedVariables.Variable> list(String name) {
    OptionalInt list = child(ROOT, "", name);
    if (list.isEmpty()) {
      return Map.of();
    }
    Map<Integer, Integer> byIndex = new TreeMap<>();
    children(list.getAsInt(), name)
        .forEach(
            (index, node) -> {
              if (!index.matches("\\d{1,9}")) {
                throw new KerasException(
                    "%s: %s is no list: it has the attribute '%s'".formatted(file, name, index));
              }
              byIndex.put(Integer.valueOf(index), node);
            });
    Map<Integer, SavedVariables.Variable> variables = new LinkedHashMap<>();
    byIndex.forEach(
        (index, node) -> variables.put(node, variable(node, join(name, String.valueOf(index)))));
    return variables;
  }

  /**
   * All variables that belong to the model, each at one of its shortest places.
   *
   * @param ignored attributes, of whatever object, that are not looked at
   * @return the variables by their numbers as objects, nearer ones first
   * @throws KerasException if the file has no object of a number that it names
   */
  Map<Integer, SavedVariables.Variable> variables(Set<String> ignored) {
    Map<Integer, SavedVariables.Variable> variables = new LinkedHashMap<>();
    Map<Integer, String> places = new HashMap<>(Map.of(ROOT, ""));
    ArrayDeque<Integer> waiting = new ArrayDeque<>(places.keySet());
    while (!waiting.isEmpty()) {
      int node = waiting.remove();
      String path = places.get(node);
      if (graph.getNodes(node).hasVariable()) {
        variables.put(node, variable(node, path));
      }
      children(node, path)
          .forEach(
              (name, child) -> {
                if (!ignored.contains(name)
                    && places.putIfAbsent(child, join(path, name)) == null) {
                  waiting.add(child);
                }
              });
    }
    return variables;
  }

  /** The place of an attribute. */
  static String join(String path, String name) {
    return path.isEmpty() ? name : path + "/" + name;
  }
}
