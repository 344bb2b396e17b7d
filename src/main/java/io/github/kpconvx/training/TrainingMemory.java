package io.github.kpconvx.training;

import com.sun.management.OperatingSystemMXBean;
import io.github.kpconvx.layer.LayerVariable;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Map;

/** Whether a network's weights leave room to train them, before any is allocated. */
final class TrainingMemory {
  /**
   * A weight, its gradient, and what an optimizer keeps of it: at least one value, for Adam two.
   */
  private static final int VALUES = 3;

  private TrainingMemory() {}

  /**
   * Refuses a network that is too large for this machine, or for the container that the JVM runs
   * in.
   *
   * @param variables its weights by qualified name
   * @throws TrainingException if it is; says how much it needs and which weight is the largest
   */
  static void requireRoom(Map<String, LayerVariable> variables) {
    requireRoom(
        variables,
        ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getTotalMemorySize());
  }

  /** As above, with so many bytes of memory. */
  static void requireRoom(Map<String, LayerVariable> variables, long memory) {
    double sum = variables.values().stream().mapToDouble(TrainingMemory::bytes).sum();
    if (VALUES * sum <= memory) {
      return;
    }
    Map.Entry<String, LayerVariable> largest =
        variables.entrySet().stream()
            .max(Comparator.comparingDouble(weight -> bytes(weight.getValue())))
            .orElseThrow();
    throw new TrainingException(
        "The network's %,d weights take %,.0f MiB, and training them at least %d times that, of %,d MiB of memory; the largest is %s of %,.0f MiB"
            .formatted(
                variables.size(),
                sum / (1 << 20),
                VALUES,
                memory >> 20,
                largest.getKey(),
                bytes(largest.getValue()) / (1 << 20)));
  }

  private static double bytes(LayerVariable variable) {
    return Arrays.stream(variable.spec().shape().asArray())
        .asDoubleStream()
        .reduce(variable.spec().dtype().bytes(), (a, b) -> a * b);
  }
}
