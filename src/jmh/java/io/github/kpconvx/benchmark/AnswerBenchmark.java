package io.github.kpconvx.benchmark;

import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * One answer of a contender, from inputs in native memory to the output in native memory. A
 * contender whose answers differ from Python's, before or after, has failed.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(1)
@Warmup(iterations = 4, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 8, time = 500, timeUnit = TimeUnit.MILLISECONDS)
public abstract class AnswerBenchmark {
  /** The workload's folder. */
  @Param("target/benchmark/S")
  public String workload;

  private Workload task;
  private Contender contender;

  /** For JMH. */
  AnswerBenchmark() {}

  /** Loads who computes. */
  abstract Contender load(Workload of);

  /** Loads the contender; its first answer, which compiles what is compiled, is checked. */
  @Setup
  public void loadAndCheck() {
    task = Workload.read(Path.of(workload));
    contender = load(task);
    contender.check(task);
  }

  /** Computes the output once. */
  @Benchmark
  public void answer() {
    contender.answer().close();
  }

  /** Checks that the answers are still right. */
  @TearDown
  public void checkAndClose() {
    try (Contender last = contender) {
      last.check(task);
    }
  }
}
