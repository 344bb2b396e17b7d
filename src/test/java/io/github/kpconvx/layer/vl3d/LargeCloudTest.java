package io.github.kpconvx.layer.vl3d;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kpconvx.Fixtures;
import io.github.kpconvx.ResidentMemory;
import io.github.kpconvx.inference.Engine;
import io.github.kpconvx.layer.CallContext;
import io.github.kpconvx.layer.Formulation;
import io.github.kpconvx.layer.Mode;
import io.github.kpconvx.layer.tiling.Padding;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.FloatDataBuffer;
import org.tensorflow.ndarray.buffer.IntDataBuffer;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;

/**
 * What a frozen layer holds of a million points while it runs is within {@link Engine}'s formula.
 */
@Tag(Fixtures.FULL)
@EnabledOnOs(OS.LINUX)
class LargeCloudTest {
  private static final int POINTS = 1_000_000;
  private static final int D = 64;
  private static final int SLOTS = 16;
  private static final long MIB = 1 << 20;
  private static final KPConvXLayer LAYER = KPConvXLayer.builder().name("conv").blocks(2).build();

  @ParameterizedTest
  @EnumSource(names = {"FOLDED", "COMPILED"})
  void isHeldATileAtATime(Formulation form) throws Exception {
    long[] told = ResidentMemory.ofProcess(Child.class, form.name());
    long held = told[0];
    long all = told[1];
    KPConvXConfig config = LAYER.config();
    long rows =
        Arrays.stream(Padding.sizes()).filter(size -> size >= POINTS).findFirst().orElseThrow();
    long modulations = (long) config.kernelPoints() * D / config.groups();
    long ofPoint = 4L * (4 * SLOTS + 3 * D + 8);
    boolean folded = form == Formulation.FOLDED;
    long tile = folded ? (1 << 18) / (SLOTS * D) : 2048;
    long between =
        folded
            ? 4L * SLOTS * D + 16 * (3L * D + 4 * SLOTS)
            : (long) SLOTS * (D / config.groups() + 64);
    long ofTile = 4L * (between + 2 * (modulations + config.hiddenChannels() + 3 * D + 4 * SLOTS));
    long allowed = rows * ofPoint + Runtime.getRuntime().availableProcessors() * tile * ofTile;
    System.out.printf(
        "%s: %,d points, two blocks: held %d MiB (%d allowed), the whole process %d MiB%n",
        form, POINTS, held / MIB, allowed / MIB, all / MIB);
    assertTrue(held <= allowed, held / MIB + " MiB held, allowed " + allowed / MIB);
    assertTrue(held >= POINTS * 4L * 2 * D, "less than the features of both blocks: " + held);
    assertTrue(all < 3L << 30, all / MIB + " MiB");
  }

  /** Runs the layer once in a process of its own; prints what it held, and the process's peak. */
  static final class Child {
    public static void main(String[] arguments) {
      long held = run(Formulation.valueOf(arguments[0]));
      System.out.println(held + " " + ResidentMemory.peak());
    }
  }

  private static long run(Formulation form) {
    Map<String, TFloat32> values = new LinkedHashMap<>();
    try (Graph first = new Graph();
        Graph graph = new Graph();
        Session session = new Session(graph);
        TFloat32 x = TFloat32.tensorOf(Shape.of(1, POINTS, 3));
        TFloat32 f = TFloat32.tensorOf(Shape.of(1, POINTS, D));
        TInt32 n = TInt32.tensorOf(Shape.of(1, POINTS, SLOTS))) {
      KPConvXLayer same = KPConvXLayer.fromConfig(LAYER.serialize().json().toString());
      same.build(Ops.create(first), D);
      same.variables()
          .forEach(
              (name, variable) -> {
                TFloat32 value = TFloat32.tensorOf(variable.spec().shape());
                value.scalars().forEach(scalar -> scalar.setFloat(0.01f));
                values.put(name, value);
              });
      Random random = new Random(3);
      for (TFloat32 input : List.of(x, f)) {
        FloatDataBuffer buffer = input.asRawTensor().data().asFloats();
        for (long i = 0; i < buffer.size(); i++) {
          buffer.setFloat(random.nextFloat(), i);
        }
      }
      IntDataBuffer indices = n.asRawTensor().data().asInts();
      for (long i = 0; i < indices.size(); i++) {
        indices.setInt(random.nextInt(POINTS), i);
      }

      Ops tf = Ops.create(graph);
      LAYER.freeze(values);
      LAYER.build(tf, D);
      Operand<TFloat32> places = floats(tf, 3);
      Operand<TFloat32> features = floats(tf, D);
      Operand<TInt32> neighbours =
          tf.placeholder(TInt32.class, Placeholder.shape(Shape.of(-1, -1, SLOTS)));
      CallContext context = CallContext.of(Mode.INFERENCE).withFormulation(form);
      Operand<TFloat32> output = LAYER.call(tf, List.of(places, features, neighbours), context);
      // Threads, kernels and compiled code are there after the first run of a few points.
      try (TFloat32 few = TFloat32.tensorOf(Shape.of(1, 64, 3));
          TFloat32 theirs = TFloat32.tensorOf(Shape.of(1, 64, D));
          TInt32 themselves = TInt32.tensorOf(Shape.of(1, 64, SLOTS))) {
        few.scalars().forEach(value -> value.setFloat(0));
        theirs.scalars().forEach(value -> value.setFloat(0));
        themselves.scalars().forEach(value -> value.setInt(0));
        session
            .runner()
            .feed(places, few)
            .feed(features, theirs)
            .feed(neighbours, themselves)
            .fetch(output)
            .run()
            .close();
      }
      return ResidentMemory.peakOf(
          () ->
              session
                  .runner()
                  .feed(places, x)
                  .feed(features, f)
                  .feed(neighbours, n)
                  .fetch(output)
                  .run()
                  .close());
    } finally {
      values.values().forEach(TFloat32::close);
    }
  }

  private static Operand<TFloat32> floats(Ops tf, long last) {
    return tf.placeholder(TFloat32.class, Placeholder.shape(Shape.of(-1, -1, last)));
  }
}
