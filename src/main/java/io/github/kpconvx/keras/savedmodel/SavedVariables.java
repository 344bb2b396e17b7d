package io.github.kpconvx.keras.savedmodel;

import io.github.kpconvx.keras.KerasException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.tensorflow.ndarray.Shape;

/**
 * The variables that a Keras 3 SavedModel declares.
 *
 * @param weights the model's weights in Keras's order, without the states of random generators
 * @param untracked variables of TensorFlow that a layer uses and Keras does not know as weights
 */
record SavedVariables(List<Variable> weights, List<Variable> untracked) {
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
    untracked = List.copyOf(untracked);
  }

  /**
   * Reads them from a SavedModel's object graph.
   *
   * @param graph the objects of a Keras 3 export
   * @return the variables
   * @throws KerasException if the graph contradicts itself
   */
  static SavedVariables of(ObjectGraph graph) {
    List<Variable> keras = list(graph, KERAS);
    // The second list repeats the first; what it has beyond that is untracked.
    Map<List<Object>, Integer> known = new HashMap<>();
    keras.forEach(variable -> known.merge(identity(variable), 1, Integer::sum));
    List<Variable> untracked = new ArrayList<>();
    for (Variable variable : list(graph, ALL)) {
      if (known.merge(identity(variable), -1, Integer::sum) < 0) {
        untracked.add(variable);
      }
    }
    return new SavedVariables(
        keras.stream().filter(variable -> !variable.isSeed()).toList(),
        untracked.stream().filter(variable -> !variable.isSeed()).toList());
  }

  private static List<Object> identity(Variable variable) {
    return List.of(variable.name(), variable.shape(), variable.dtype());
  }

  private static List<Variable> list(ObjectGraph graph, String name) {
    return List.copyOf(graph.list(name).values());
  }
}
