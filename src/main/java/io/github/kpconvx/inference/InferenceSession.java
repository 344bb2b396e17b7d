package io.github.kpconvx.inference;

import org.tensorflow.Graph;
import org.tensorflow.Session;
import org.tensorflow.proto.ConfigProto;
import org.tensorflow.proto.GraphOptions;
import org.tensorflow.proto.RewriterConfig;
import org.tensorflow.proto.RewriterConfig.MemOptType;
import org.tensorflow.proto.RewriterConfig.NumIterationsType;

/**
 * Sessions for graphs that are run as they are. TensorFlow rewrites a graph before it first runs
 * it; those of this package gain nothing from a second round of that, nor from plans to save
 * memory, which take a third of the time to the first answer.
 */
final class InferenceSession {
  private static final ConfigProto CONFIG =
      ConfigProto.newBuilder()
          .setGraphOptions(
              GraphOptions.newBuilder()
                  .setRewriteOptions(
                      RewriterConfig.newBuilder()
                          .setMetaOptimizerIterations(NumIterationsType.ONE)
                          .setMemoryOptimization(MemOptType.NO_MEM_OPT)
                          .setDisableTfgOptimizer(true)))
          .build();

  private InferenceSession() {}

  /** Makes the configuration, which loads many classes, but not TensorFlow's library. */
  static void prepare() {
    // Made when this class is first used.
  }

  /** A session, the caller's to close before the graph. */
  static Session of(Graph graph) {
    return new Session(graph, CONFIG);
  }
}
