package io.github.kpconvx.inference;

import org.tensorflow.Graph;
import org.tensorflow.Session;
import org.tensorflow.proto.ConfigProto;
import org.tensorflow.proto.GraphOptions;
import org.tensorflow.proto.RewriterConfig;
import org.tensorflow.proto.RewriterConfig.MemOptType;

/**
 * Sessions for the graphs that this library builds. TensorFlow rewrites a graph before it first
 * runs it; two of its passes, plans to save memory and a conversion to MLIR and back, change
 * nothing in these graphs but take a fifth of the time to the first answer, and are left out.
 *
 * @see <a
 *     href="https://github.com/tensorflow/tensorflow/blob/v2.18.0/tensorflow/core/protobuf/rewriter_config.proto">RewriterConfig</a>
 */
final class InferenceSession {
  private static final ConfigProto CONFIG =
      ConfigProto.newBuilder()
          .setGraphOptions(
              GraphOptions.newBuilder()
                  .setRewriteOptions(
                      RewriterConfig.newBuilder()
                          .setMemoryOptimization(MemOptType.NO_MEM_OPT)
                          .setDisableTfgOptimizer(true)))
          .build();

  private InferenceSession() {}

  /**
   * A session, the caller's to close before the graph.
   *
   * @param graph what it runs
   * @param more settings besides these
   */
  static Session of(Graph graph, ConfigProto more) {
    return new Session(graph, CONFIG.toBuilder().mergeFrom(more).build());
  }
}
