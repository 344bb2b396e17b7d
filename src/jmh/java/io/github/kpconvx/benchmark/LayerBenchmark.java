package io.github.kpconvx.benchmark;

import org.openjdk.jmh.annotations.Param;

/**
 * The forms of inference, and what else runs a layer on the JVM:
 *
 * <pre>{@code
 * java -cp $(cat target/benchmark/classpath.txt) org.openjdk.jmh.Main \
 *     LayerBenchmark -p workload=target/benchmark/S -foe true
 * }</pre>
 */
public class LayerBenchmark extends AnswerBenchmark {
  /** Who computes. */
  @Param({"plain", "folded", "compiled", "session", "session-folded", "savedmodel", "onnxruntime"})
  public String contender;

  /** For JMH. */
  public LayerBenchmark() {}

  @Override
  Contender load(Workload of) {
    return Contenders.load(contender, of);
  }
}
