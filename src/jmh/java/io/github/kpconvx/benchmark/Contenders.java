package io.github.kpconvx.benchmark;

import io.github.kpconvx.inference.Engine;

/** The contenders by name. */
final class Contenders {
  private Contenders() {}

  /**
   * Loads a contender.
   *
   * @param name the contender
   * @param workload what it will compute
   * @return the contender, the caller's to close
   * @throws IllegalArgumentException if there is none of that name
   */
  static Contender load(String name, Workload workload) {
    return switch (name) {
      case "plain" -> new ModelContender(workload, Engine.PLAIN);
      case "folded" -> new ModelContender(workload, Engine.FOLDED);
      case "compiled" -> new ModelContender(workload, Engine.COMPILED);
      case "session" -> new ModelContender(workload, Engine.COMPILED).bareSession();
      case "session-folded" -> new ModelContender(workload, Engine.FOLDED).bareSession();
      case "savedmodel" -> new SavedModelContender(workload);
      case "onnxruntime" -> new OnnxRuntimeContender(workload);
      default ->
          throw new IllegalArgumentException(
              "Unknown contender "
                  + name
                  + ", expected plain, folded, compiled, session, session-folded, savedmodel or onnxruntime");
    };
  }
}
