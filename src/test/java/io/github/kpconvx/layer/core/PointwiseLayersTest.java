package io.github.kpconvx.layer.core;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.layer.Layer;
import io.github.kpconvx.layer.Mode;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TFloat32;

/** Convolution, pooling and reshaping over points, against loops written down here. */
class PointwiseLayersTest {
  private static final int POINTS = 9;
  private static final int CHANNELS = 2;
  private static final int FILTERS = 3;

  /** A tensor's values, known shape included. */
  private static final class Values {
    private final Shape shape;
    private final float[] values;

    Values(Shape shape, float[] values) {
      this.shape = shape;
      this.values = values;
    }

    Shape shape() {
      return shape;
    }

    float[] values() {
      return values;
    }

    static Values counting(long... shape) {
      Shape known = Shape.of(shape);
      float[] values = new float[(int) known.size()];
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) Math.sin(1 + i * 1.7);
      }
      return new Values(known, values);
    }
  }

  private static <L extends Layer> L layer(
      Function<KerasObject, L> make, String className, String config) {
    return make.apply(
        KerasObject.of(
            "keras.layers", className, null, (ObjectNode) KerasObject.parseJson(config)));
  }

  private static Values run(Layer layer, Values weights, Values... inputs) {
    try (Graph graph = new Graph();
        Session session = new Session(graph)) {
      Ops tf = Ops.create(graph);
      List<Operand<?>> operands = new ArrayList<>();
      for (Values input : inputs) {
        operands.add(tf.constant(input.shape(), DataBuffers.of(input.values())));
      }
      layer.build(tf, operands.stream().map(Operand::shape).toList());
      if (weights != null) {
        layer.initialize(session, 1);
        try (TFloat32 kernel =
            TFloat32.tensorOf(weights.shape(), DataBuffers.of(weights.values()))) {
          layer.ownVariables().get("kernel").assign(session, kernel);
        }
      }
      Operand<TFloat32> y = layer.call(tf, operands, Mode.INFERENCE);
      try (TFloat32 found = (TFloat32) session.runner().fetch(y).run().get(0)) {
        float[] values = new float[(int) found.size()];
        found.copyTo(DataBuffers.of(values, false, false));
        return new Values(found.shape(), values);
      }
    }
  }

  /** Where the first slot of output 0 stands, counted from input 0. */
  private static int before(String padding, int width, int stride, int dilation, int outputs) {
    int reach = dilation * (width - 1) + 1;
    return switch (padding) {
      case "valid" -> 0;
      case "causal" -> reach - 1;
      default -> Math.max(0, (outputs - 1) * stride + reach - POINTS) / 2;
    };
  }

  @ParameterizedTest
  @CsvSource({
    "1, 1, 1, valid",
    "1, 2, 1, valid",
    "3, 1, 1, valid",
    "3, 1, 1, same",
    "4, 2, 1, same",
    "3, 1, 2, valid",
    "3, 1, 2, same",
    "3, 1, 2, causal",
    "2, 3, 1, causal"
  })
  void convolvesAsALoopDoes(int width, int stride, int dilation, String padding) {
    Convolution conv =
        layer(
            Convolution::of1D,
            "Conv1D",
            """
            {"name": "conv", "filters": 3, "kernel_size": [%d], "strides": [%d], "dilation_rate": %d,
             "padding": "%s", "bias_initializer": "ones", "activation": "relu"}
            """
                .formatted(width, stride, dilation, padding));
    Values x = Values.counting(2, POINTS, CHANNELS);
    Values kernel = Values.counting(width, CHANNELS, FILTERS);
    int reach = dilation * (width - 1) + 1;
    int places = padding.equals("valid") ? POINTS - reach + 1 : POINTS;
    int outputs = (places + stride - 1) / stride;
    int before = before(padding, width, stride, dilation, outputs);
    float[] expected = new float[2 * outputs * FILTERS];
    for (int b = 0; b < 2; b++) {
      for (int i = 0; i < outputs; i++) {
        for (int f = 0; f < FILTERS; f++) {
          double sum = 1;
          for (int k = 0; k < width; k++) {
            int place = i * stride + k * dilation - before;
            for (int c = 0; place >= 0 && place < POINTS && c < CHANNELS; c++) {
              sum +=
                  x.values()[(b * POINTS + place) * CHANNELS + c]
                      * kernel.values()[(k * CHANNELS + c) * FILTERS + f];
            }
          }
          expected[(b * outputs + i) * FILTERS + f] = (float) Math.max(0, sum);
        }
      }
    }
    Values found = run(conv, kernel, x);
    assertArrayEquals(new long[] {2, outputs, FILTERS}, found.shape().asArray());
    assertArrayEquals(expected, found.values(), 1e-6f);
  }

  @Test
  void refusesSizesThatDoNotFit() {
    Values x = Values.counting(2, 3, 2);
    for (var wrong :
        List.of(
            List.of("Conv1D", "{\"filters\": 2, \"kernel_size\": 4}", "spans more places"),
            List.of("MaxPooling1D", "{\"pool_size\": 4}", "pool_size = 4, expected at most"),
            List.of("Cropping1D", "{\"cropping\": [1, 2]}", "cropping = [1,2], expected fewer"),
            List.of(
                "Conv1D",
                "{\"filters\": 3, \"kernel_size\": 1, \"groups\": 3}",
                "expected a divisor of the 2 channels"))) {
      Layer layer = any(wrong.get(0), wrong.get(1));
      KerasException error = assertThrows(KerasException.class, () -> run(layer, null, x));
      assertTrue(error.getMessage().contains(wrong.get(2)), error.getMessage());
    }
  }

  @Test
  void poolsTheLargest() {
    Values x = new Values(Shape.of(1, 5, 2), new float[] {1, 9, 4, 8, 3, 7, 2, 6, 5, 10});
    Pooling halves = layer(object -> Pooling.max(object, 1), "MaxPooling1D", "{}");
    assertArrayEquals(new float[] {4, 9, 3, 7}, run(halves, null, x).values());
    Pooling same =
        layer(
            object -> Pooling.max(object, 1),
            "MaxPooling1D",
            "{\"pool_size\": [3], \"strides\": 2, \"padding\": \"same\"}");
    assertArrayEquals(new float[] {4, 9, 4, 8, 5, 10}, run(same, null, x).values());
    GlobalPooling all = layer(object -> GlobalPooling.max(object, 1), "GlobalMaxPooling1D", "{}");
    assertArrayEquals(new float[] {5, 10}, run(all, null, x).values());
    GlobalPooling kept =
        layer(object -> GlobalPooling.max(object, 1), "GlobalMaxPooling1D", "{\"keepdims\": true}");
    assertArrayEquals(new long[] {1, 1, 2}, run(kept, null, x).shape().asArray());
  }

  @Test
  void reshapes() {
    Values x = Values.counting(2, 3, 4);
    for (String target : List.of("[4, 3]", "[-1, 3]", "[2, -1, 2]")) {
      Reshape reshape = layer(Reshape::new, "Reshape", "{\"target_shape\": " + target + "}");
      assertArrayEquals(x.values(), run(reshape, null, x).values());
    }
  }

  /** What is not known when the layer is built may fit when it runs. */
  @Test
  void reshapesAnOpenNumberOfPoints() {
    Reshape reshape = layer(Reshape::new, "Reshape", "{\"target_shape\": [-1, 2]}");
    try (Graph graph = new Graph();
        Session session = new Session(graph)) {
      Ops tf = Ops.create(graph);
      Operand<TFloat32> open =
          tf.placeholder(TFloat32.class, Placeholder.shape(Shape.of(-1, -1, 3)));
      reshape.build(tf, List.of(open.shape()));
      Operand<TFloat32> y = reshape.call(tf, List.of(open), Mode.INFERENCE);
      try (TFloat32 x = TFloat32.tensorOf(Shape.of(1, 4, 3));
          TFloat32 found = (TFloat32) session.runner().feed(open, x).fetch(y).run().get(0)) {
        assertArrayEquals(new long[] {1, 6, 2}, found.shape().asArray());
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"2, 1", "1, 1", "2, 2", "1, 2", "-1, -2"})
  void multipliesAlongAnAxisOfEach(int first, int second) {
    int one = Math.floorMod(first, 3);
    int other = Math.floorMod(second, 3);
    Values a = one == 2 ? Values.counting(2, 3, 4) : Values.counting(2, 4, 3);
    Values b = other == 1 ? Values.counting(2, 4, 5) : Values.counting(2, 5, 4);
    float[] expected = new float[2 * 3 * 5];
    for (int n = 0; n < expected.length; n++) {
      int batch = n / 15;
      int i = n / 5 % 3;
      int j = n % 5;
      for (int k = 0; k < 4; k++) {
        expected[n] +=
            a.values()[batch * 12 + (one == 2 ? i * 4 + k : k * 3 + i)]
                * b.values()[batch * 20 + (other == 1 ? k * 5 + j : j * 4 + k)];
      }
    }
    Dot dot = layer(Dot::new, "Dot", "{\"axes\": [%d, %d]}".formatted(first, second));
    assertArrayEquals(expected, run(dot, null, a, b).values(), 1e-5f);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "Conv1D|{\"kernel_size\": 1}|filters = nothing",
        "Conv1D|{\"filters\": 2}|kernel_size = nothing",
        "Conv1D|{\"filters\": 2, \"kernel_size\": [1, 2]}|expected an integer of at least 1 or",
        "Conv1D|{\"filters\": 2, \"kernel_size\": 3, \"strides\": 2, \"dilation_rate\": 2}|strides = 2",
        "Conv1D|{\"filters\": 2, \"kernel_size\": 1, \"groups\": 3}|groups = 3, expected a divisor of filters = 2",
        "Conv1D|{\"filters\": 2, \"kernel_size\": 1, \"data_format\": \"first\"}|data_format = \"first\"",
        "Conv1D|{\"filters\": 2, \"kernel_size\": 1, \"padding\": \"full\"}|padding = \"full\"",
        "MaxPooling1D|{\"pool_size\": 0}|pool_size = 0",
        "Conv2D|{\"filters\": 2, \"kernel_size\": 1, \"padding\": \"causal\"}|padding = \"causal\"",
        "Conv2D|{\"filters\": 2, \"kernel_size\": [1]}|expected an integer of at least 1 or a list of 2",
        "DepthwiseConv2D|{\"kernel_size\": 1, \"groups\": 2}|groups = 2, expected 1",
        "Conv1DTranspose|{\"filters\": 2, \"kernel_size\": 1, \"output_padding\": 1}|less than strides = 1",
        "Cropping1D|{\"cropping\": [1, 2, 3]}|cropping = [1,2,3]",
        "UpSampling2D|{\"interpolation\": \"linear\"}|interpolation = \"linear\"",
        "Permute|{\"dims\": [1, 3]}|dims = [1,3]",
        "RepeatVector|{}|n = nothing",
        "Reshape|{}|target_shape = null",
        "Reshape|{\"target_shape\": [-1, -1]}|at most one is -1",
        "Dot|{\"axes\": [0, 1]}|axes = [0,1]",
        "Dot|{\"axes\": 1, \"normalize\": true}|normalize = true"
      })
  void refusesWhatItCannotCompute(String className, String config, String message) {
    KerasException error = assertThrows(KerasException.class, () -> any(className, config));
    assertTrue(error.getMessage().contains(message), error.getMessage());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "Conv1D|{\"filters\": 2, \"kernel_size\": 1}|expected an input (B, R, C)",
        "MaxPooling1D|{}|expected an input (B, R, C)",
        "Conv2D|{\"filters\": 2, \"kernel_size\": 1}|expected an input (B, H, W, C)",
        "UpSampling2D|{\"data_format\": \"channels_first\"}|expected an input (B, C, H, W)",
        "Permute|{\"dims\": [2, 1]}|expected one for each dimension",
        "GlobalMaxPooling1D|{}|expected an input (B, R, C)",
        "Reshape|{\"target_shape\": [5]}|expected one of as many elements",
        "Dot|{\"axes\": 1}|expected two inputs of rank 3"
      })
  void refusesInputsThatDoNotFit(String className, String config, String message) {
    Layer layer = any(className, config);
    KerasException error =
        assertThrows(KerasException.class, () -> run(layer, null, Values.counting(2, 3)));
    assertTrue(error.getMessage().contains(message), error.getMessage());
  }

  private static Layer any(String className, String config) {
    return switch (className) {
      case "Conv1D" -> layer(Convolution::of1D, className, config);
      case "MaxPooling1D" -> layer(object -> Pooling.max(object, 1), className, config);
      case "GlobalMaxPooling1D" -> layer(object -> GlobalPooling.max(object, 1), className, config);
      case "Reshape" -> layer(Reshape::new, className, config);
      case "Conv2D" -> layer(Convolution::of2D, className, config);
      case "DepthwiseConv2D" ->
          layer(object -> DepthwiseConvolution.of(object, 2), className, config);
      case "Conv1DTranspose" ->
          layer(object -> new TransposedConvolution(object, 1), className, config);
      case "Cropping1D" -> layer(object -> Border.cropping(object, 1), className, config);
      case "UpSampling2D" -> layer(object -> new UpSampling(object, 2), className, config);
      case "Permute" -> layer(Permute::new, className, config);
      case "RepeatVector" -> layer(RepeatVector::new, className, config);
      default -> layer(Dot::new, className, config);
    };
  }
}
