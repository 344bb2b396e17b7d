package io.github.kpconvx.inference;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.tensorflow.Output;
import org.tensorflow.proto.GraphDef;

/**
 * A graph that answers, for inspection.
 *
 * @param graph all its operations and functions, with the weights where they are constants
 * @param tensors TensorFlow's name of the tensor, {@code operation:index}, of each input, output
 *     and stage
 */
public record ModelGraph(GraphDef graph, Map<String, String> tensors) {
  static ModelGraph of(LoadedGraph loaded) {
    Map<String, String> tensors = new LinkedHashMap<>();
    loaded.fetches().forEach((name, output) -> tensors.put(name, name(output)));
    loaded.feeds().forEach((name, output) -> tensors.put(name, name(output)));
    return new ModelGraph(
        loaded.session().graph().toGraphDef(), Collections.unmodifiableMap(tensors));
  }

  private static String name(Output<?> output) {
    return output.op().name() + ":" + output.index();
  }
}
