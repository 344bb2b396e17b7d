package io.github.kpconvx.benchmark;

/**
 * DJL's TensorFlow engine, whose classes collide with TensorFlow Java's and so need a class path of
 * their own:
 *
 * <pre>{@code
 * java -cp $(cat target/benchmark/classpath-djl.txt) org.openjdk.jmh.Main \
 *     DjlBenchmark -p workload=target/benchmark/S -foe true
 * }</pre>
 */
public class DjlBenchmark extends AnswerBenchmark {
  /** For JMH. */
  public DjlBenchmark() {}

  @Override
  Contender load(Workload of) {
    return new DjlContender(of);
  }
}
