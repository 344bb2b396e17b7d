package io.github.kpconvx.benchmark;

import org.openjdk.jmh.annotations.Fork;

/**
 * DJL's TensorFlow engine, whose classes collide with TensorFlow Java's and so need a class path of
 * their own:
 *
 * <pre>{@code
 * java -cp $(cat target/benchmark/classpath-djl.txt) org.openjdk.jmh.Main \
 *     DjlBenchmark -p workload=target/benchmark/S -foe true
 * }</pre>
 *
 * <p>in the project's folder, where the native library lies under {@code target}.
 */
@Fork(value = 1, jvmArgsAppend = "-DTENSORFLOW_LIBRARY_PATH=target/benchmark/djl/native/lib")
public class DjlBenchmark extends AnswerBenchmark {
  /** For JMH. */
  public DjlBenchmark() {}

  @Override
  Contender load(Workload of) {
    return new DjlContender(of);
  }
}
