package io.github.kpconvx.layer;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kpconvx.ResidentMemory;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;

/** What a frozen layer holds while it runs is within {@link Formulation}'s formula. */
@EnabledOnOs(OS.LINUX)
class LayerNativeMemoryTest {
  private static final int POINTS = 229_376;
  private static final int D = 64;
  private static final int SLOTS = 16;
  private static final long MIB = 1 << 20;

  @ParameterizedTest
  @EnumSource(names = {"FOLDED", "COMPILED"})
  void aLargeCloudIsHeldATileAtATime(Formulation form) throws Exception {
    KPConvXLayer layer = KPConvXLayer.builder().name("conv").blocks(2).build();
    Map<String, TFloat32> values = new LinkedHashMap<>();
    try (Graph first = new Graph();
        Graph graph = new Graph();
        Session session = new Session(graph);
        TFloat32 x = TFloat32.tensorOf(Shape.of(1, POINTS, 3));
        TFloat32 f = TFloat32.tensorOf(Shape.of(1, POINTS, D));
        TInt32 n = TInt32.tensorOf(Shape.of(1, POINTS, SLOTS))) {
      KPConvXLayer same = KPConvXLayer.fromConfig(layer.serialize().json().toString());
      same.build(Ops.create(first), D);
      same.variables()
          .forEach(
              (name, variable) -> {
                TFloat32 value = TFloat32.tensorOf(variable.spec().shape());
                value.scalars().forEach(scalar -> scalar.setFloat(0.01f));
                values.put(name, value);
              });
      Random random = new Random(3);
      x.scalars().forEach(value -> value.setFloat(random.nextFloat()));
      f.scalars().forEach(value -> value.setFloat(random.nextFloat()));
      n.scalars().forEach(value -> value.setInt(random.nextInt(POINTS)));

      Ops tf = Ops.create(graph);
      layer.freeze(values);
      layer.build(tf, D);
      Operand<TFloat32> places = floats(tf, 3);
      Operand<TFloat32> features = floats(tf, D);
      Operand<TInt32> neighbours =
          tf.placeholder(TInt32.class, Placeholder.shape(Shape.of(-1, -1, SLOTS)));
      CallContext context = CallContext.of(Mode.INFERENCE).withFormulation(form);
      Operand<TFloat32> output = layer.call(tf, List.of(places, features, neighbours), context);
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
      long held =
          ResidentMemory.peakOf(
              () ->
                  session
                      .runner()
                      .feed(places, x)
                      .feed(features, f)
                      .feed(neighbours, n)
                      .fetch(output)
                      .run()
                      .close());
      KPConvXConfig config = layer.config();
      long modulations = (long) config.kernelPoints() * D / config.groups();
      long ofPoint = 4L * (4 * SLOTS + 3 * D + 5);
      long between =
          form == Formulation.FOLDED ? 4L * SLOTS * D : (long) SLOTS * D / config.groups();
      long ofTile =
          4L * (between + 2 * (modulations + config.hiddenChannels() + 3 * D + 4 * SLOTS));
      long allowed = POINTS * ofPoint + 8192 * ofTile + 32 * MIB;
      System.out.printf(
          "%s: held %d MiB for %,d points, allowed %d MiB%n",
          form, held / MIB, POINTS, allowed / MIB);
      assertTrue(held <= allowed, held / MIB + " MiB held, allowed " + allowed / MIB);
    } finally {
      values.values().forEach(TFloat32::close);
    }
  }

  private static Operand<TFloat32> floats(Ops tf, long last) {
    return tf.placeholder(TFloat32.class, Placeholder.shape(Shape.of(-1, -1, last)));
  }
}
