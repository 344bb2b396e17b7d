package io.github.kpconvx.benchmark;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;

/**
 * How long a contender takes to its first answer in a new JVM, as a line of JSON: {@code load_ms}
 * to load it, {@code first_answer_ms} after that, {@code since_jvm_start_ms} for all of it, with
 * the JVM's own start and the reading of the inputs. The answer is compared with Python's.
 */
public final class ColdStart {
  private ColdStart() {}

  /**
   * Measures.
   *
   * @param arguments the workload's folder and the contender's name
   */
  public static void main(String[] arguments) {
    if (arguments.length != 2) {
      throw new IllegalArgumentException("Usage: ColdStart WORKLOAD CONTENDER");
    }
    Workload workload = Workload.read(Path.of(arguments[0]));
    long start = System.nanoTime();
    try (Contender contender = Contenders.load(arguments[1], workload)) {
      long loaded = System.nanoTime();
      try (Contender.Answer answer = contender.answer()) {
        long answered = System.nanoTime();
        long since =
            System.currentTimeMillis() - ManagementFactory.getRuntimeMXBean().getStartTime();
        workload.check(answer.shape(), answer.copy());
        ObjectNode json = new ObjectMapper().createObjectNode();
        json.put("contender", arguments[1]);
        json.put("load_ms", (loaded - start) / 1e6);
        json.put("first_answer_ms", (answered - loaded) / 1e6);
        json.put("since_jvm_start_ms", since);
        System.out.println(json);
      }
    }
  }
}
