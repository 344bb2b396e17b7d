package io.github.kpconvx.layer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.kpconvx.dtype.DType;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.keras.weights.WeightSpec;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat16;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.family.TType;

/** In what types layers see their inputs and weights. */
class AutocastTest {
  private Graph graph;
  private Ops tf;

  @BeforeEach
  void open() {
    graph = new Graph();
    tf = Ops.create(graph);
  }

  @AfterEach
  void close() {
    graph.close();
  }

  /** Gives what it is called with. */
  private static final class Mirror extends Layer {
    Mirror(KerasObject object) {
      super(object, DType.FLOATS);
    }

    @Override
    protected void createWeights(Ops tf, List<Shape> inputs) {
      addWeight(tf, WeightSpec.of("scale", true), WeightRules.of(serialize(), "scale_", "ones"));
    }

    @Override
    protected List<Operand<?>> compute(Ops tf, LayerCall call) {
      List<Operand<?>> all = new ArrayList<>(call.arguments().tensors());
      all.add(weight(tf, "scale", call.inputs().get(0)));
      return all;
    }

    @Override
    protected Set<String> keywords() {
      return Set.of("more");
    }
  }

  private List<Operand<?>> called(KerasObject object, Operand<?> x, Operand<?> n, Operand<?> more) {
    Layer layer = new Mirror(object);
    layer.build(tf, List.of(x.shape()));
    Map<String, Argument<Operand<?>>> keywords = new LinkedHashMap<>();
    keywords.put("more", new Argument.Tensor<>(more));
    return layer.call(
        tf,
        new LayerCall(
            new Arguments<>(
                List.of(
                    new Argument.Items<>(
                        List.of(new Argument.Tensor<>(x), new Argument.Tensor<>(n)))),
                keywords),
            Map.of(),
            CallContext.of(Mode.INFERENCE)));
  }

  private static KerasObject object(String module, String config) {
    ObjectNode json = (ObjectNode) KerasObject.parseJson(config);
    KerasObject object = KerasObject.of("keras", "Mirror", null, json);
    return module.isEmpty() ? object.writtenBy("2.15.0") : object.writtenBy("3.15.0");
  }

  private static List<Class<? extends TType>> types(List<Operand<?>> operands) {
    return operands.stream().<Class<? extends TType>>map(Operand::type).toList();
  }

  @Test
  void castsFloatsOfAllArgumentsInKeras3() {
    List<Operand<?>> seen =
        called(
            object("keras", "{\"dtype\": \"mixed_float16\"}"),
            tf.constant(1f),
            tf.constant(1),
            tf.constant(1.0));
    assertEquals(
        List.of(TFloat16.class, TInt32.class, TFloat16.class, TFloat16.class), types(seen));
  }

  @Test
  void castsFloatsOfTheFirstArgumentAloneInKeras2() {
    List<Operand<?>> seen =
        called(
            object(
                "",
                "{\"dtype\": {\"class_name\": \"Policy\", \"config\": {\"name\":"
                    + " \"mixed_float16\"}}}"),
            tf.constant(1f),
            tf.constant(1),
            tf.constant(1.0));
    assertEquals(
        List.of(TFloat16.class, TInt32.class, TFloat64.class, TFloat16.class), types(seen));
  }

  @Test
  void castsNothingWithoutAutocast() {
    Operand<?> x = tf.constant(1f);
    List<Operand<?>> seen =
        called(
            object("keras", "{\"dtype\": \"mixed_float16\", \"autocast\": false}"),
            x,
            tf.constant(1),
            tf.constant(1.0));
    assertSame(x, seen.get(0));
    assertEquals(
        List.of(TFloat32.class, TInt32.class, TFloat64.class, TFloat32.class), types(seen));
  }
}
