package io.github.kpconvx.report;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kpconvx.Fixtures;
import io.github.kpconvx.PythonEnvironment;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.layer.vl3d.KPConvXLayer;
import io.github.kpconvx.layer.vl3d.LightKPConvLayer;
import io.github.kpconvx.numpy.NpyArray;
import io.github.kpconvx.numpy.NpzFile;
import io.github.kpconvx.report.SvgPicture.Box;
import io.github.kpconvx.report.SvgPicture.Mark;
import io.github.kpconvx.report.SvgPicture.Tick;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.Graph;
import org.tensorflow.Session;
import org.tensorflow.ndarray.FloatNdArray;
import org.tensorflow.ndarray.NdArrays;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

/** The files of Java and of Python show the same numbers, and those are the kernel's. */
class KernelRepresentationTest {
  private static final Path RESOURCES = Path.of("src/test/resources/io/github/kpconvx/report");

  /** Of a pixel, as far as coordinates are written. */
  private static final double PIXEL = 0.002;

  @TempDir private Path directory;

  @ParameterizedTest
  @ValueSource(strings = {"kernel_0", "kernel_1"})
  void showsWhatPythonShows(String kernel) throws Exception {
    compare(RESOURCES.resolve(kernel));
  }

  @Tag(Fixtures.FULL)
  @ParameterizedTest
  @ValueSource(strings = {".venv-tf218", ".venv-latest"})
  void showsWhatPythonShowsLive(String environment) throws Exception {
    PythonEnvironment python = PythonEnvironment.find(environment);
    int seed = ThreadLocalRandom.current().nextInt(1_000_000);
    System.out.println("Kernels drawn from seed " + seed + " with " + environment);
    Path ofPython = directory.resolve("python");
    python.run("test_files/report_representation.py", ofPython.toString(), "--seed", "" + seed);
    List<Path> kernels = Fixtures.directories(ofPython).toList();
    assertEquals(2, kernels.size());
    for (Path kernel : kernels) {
      compare(kernel);
    }
  }

  private void compare(Path python) throws Exception {
    Map<String, NpyArray> arrays = NpzFile.read(python.resolve("kernel.npz"));
    KPConvXLayer layer = KPConvXLayer.fromConfig(Fixtures.text(python.resolve("layer.json")));
    Path java = directory.resolve("java").resolve(python.getFileName());
    KernelRepresentation.of(layer, array(arrays.get("Q")), Map.of("W", array(arrays.get("W"))))
        .export(
            "*" + python.getFileName(),
            java.getParent() + "/_",
            arrays.containsKey("Wpast") ? Map.of("W", array(arrays.get("Wpast"))) : Map.of());
    Set<String> names = names(java);
    Set<String> expected = names(python);
    expected.removeAll(Set.of("layer.json", "kernel.npz"));
    assertEquals(expected, names);
    for (String name : names) {
      if (name.endsWith(".csv")) {
        assertEquals(Fixtures.text(python.resolve(name)), Fixtures.text(java.resolve(name)), name);
        continue;
      }
      SvgPicture ofJava = SvgPicture.read(java.resolve(name));
      SvgPicture ofPython = SvgPicture.read(python.resolve(name));
      float[] weights = arrays.get("W").toFloats();
      double[] shown = new double[weights.length];
      float[] past = name.startsWith("Wdiff") ? arrays.get("Wpast").toFloats() : null;
      Arrays.setAll(shown, i -> (double) weights[i] - (past == null ? 0 : past[i]));
      for (SvgPicture picture : List.of(ofJava, ofPython)) {
        if (name.endsWith("_mat.svg")) {
          requireMatrix(picture, shown, arrays.get("W").shape());
        } else if (name.endsWith("_hist.svg")) {
          requireHistogram(picture, shown, arrays.get("W").shape());
        } else {
          requireKernel(picture, arrays.get("Q").toFloats(), layer);
        }
      }
      requireSame(name, ofPython, ofJava, (int) arrays.get("W").shape()[0]);
    }
  }

  private static FloatNdArray array(NpyArray array) {
    return NdArrays.wrap(Shape.of(array.shape()), DataBuffers.of(array.toFloats()));
  }

  private static Set<String> names(Path path) {
    return Fixtures.files(path).stream()
        .map(file -> file.getFileName().toString())
        .collect(Collectors.toCollection(TreeSet::new));
  }

  /** What a reader would compare: headings, axes, and every mark. */
  private static void requireSame(String name, SvgPicture python, SvgPicture java, int blocks) {
    List<String> axes = new ArrayList<>();
    if (name.startsWith("Q")) {
      axes.addAll(List.of("x-tick", "y-tick", "z-tick"));
    }
    if (name.endsWith("_mat.svg")) {
      axes.add("colorbar-ytick");
      requireSameMarks(name, python.marks("colorbar-cells"), java.marks("colorbar-cells"));
    }
    for (int t = 0; name.startsWith("W") && t < blocks; t++) {
      axes.addAll(List.of("block-" + t + "-xtick", "block-" + t + "-ytick"));
      assertEquals(python.text("block-" + t + "-title"), java.text("block-" + t + "-title"));
      String marks = "block-" + t + (name.endsWith("_mat.svg") ? "-cells" : "-bars");
      requireSameMarks(name, python.marks(marks), java.marks(marks));
    }
    for (String axis : axes) {
      assertTrue(python.labels(axis).size() >= 2, name + " " + axis);
      assertEquals(python.labels(axis), java.labels(axis), name + " " + axis);
    }
  }

  private static void requireSameMarks(String name, List<Mark> python, List<Mark> java) {
    assertEquals(python.size(), java.size(), name);
    for (int i = 0; i < python.size(); i++) {
      assertEquals(python.get(i).fill(), java.get(i).fill(), name + " " + i);
      Box a = python.get(i).box();
      Box b = java.get(i).box();
      assertArrayEquals(
          new double[] {a.left(), a.top(), a.right(), a.bottom()},
          new double[] {b.left(), b.top(), b.right(), b.bottom()},
          PIXEL,
          name + " " + i);
    }
  }

  /** Every cell has the colour that the colour bar gives its value, at its row and column. */
  private static void requireMatrix(SvgPicture picture, double[] values, long[] shape) {
    List<Mark> bar = picture.marks("colorbar-cells");
    Set<String> colors = bar.stream().map(Mark::fill).collect(Collectors.toSet());
    assertTrue(colors.size() > 200, "colours: " + colors.size());
    int rows = (int) shape[1];
    int columns = (int) shape[2];
    for (int t = 0; t < shape[0]; t++) {
      List<Mark> cells = picture.marks("block-" + t + "-cells");
      assertEquals(rows * columns, cells.size());
      for (int i = 0; i < cells.size(); i++) {
        double value = values[t * cells.size() + i];
        Mark cell = cells.get(i);
        if (!Double.isFinite(value)) {
          assertFalse(colors.contains(cell.fill()));
          continue;
        }
        List<Mark> steps = bar.stream().filter(step -> step.fill().equals(cell.fill())).toList();
        double low = picture.yValue("colorbar-ytick", steps.get(0).box().bottom());
        double high = picture.yValue("colorbar-ytick", steps.get(steps.size() - 1).box().top());
        double slack = (high - low) * 0.05;
        assertTrue(
            low - slack <= value && value <= high + slack, value + " in " + low + ", " + high);
        int row = i / columns;
        assertEquals(row, picture.yValue("block-" + t + "-ytick", cell.box().y()), 0.01);
        assertEquals(i % columns, picture.xValue("block-" + t + "-xtick", cell.box().x()), 0.01);
      }
    }
  }

  /** Every bar is as high as there are values between its left and right end. */
  private static void requireHistogram(SvgPicture picture, double[] values, long[] shape) {
    int size = (int) (shape[1] * shape[2]);
    for (int t = 0; t < shape[0]; t++) {
      double[] finite =
          Arrays.stream(values, t * size, (t + 1) * size).filter(Double::isFinite).toArray();
      List<Mark> bars = picture.marks("block-" + t + "-bars");
      double width = 0;
      long counted = 0;
      for (Mark bar : bars) {
        double left = picture.xValue("block-" + t + "-xtick", bar.box().left());
        double right = picture.xValue("block-" + t + "-xtick", bar.box().right());
        double height = picture.yValue("block-" + t + "-ytick", bar.box().top());
        width = right - left;
        // So far the ends are known from their pixels.
        double slack = 1e-4 * width;
        long least =
            Arrays.stream(finite).filter(v -> left + slack < v && v < right - slack).count();
        long most =
            Arrays.stream(finite).filter(v -> left - slack < v && v < right + slack).count();
        assertEquals(Math.rint(height), height, 0.01);
        assertTrue(least <= Math.rint(height) && Math.rint(height) <= most);
        assertEquals(0, picture.yValue("block-" + t + "-ytick", bar.box().bottom()), 0.01);
        counted += Math.round(height);
      }
      assertEquals(finite.length, counted);
      assertEquals(1, bars.size() % 2);
      assertTrue(bars.size() >= 11);
      assertTrue(width > 0);
    }
  }

  /**
   * The marks of the axes tell where any point of space is seen; there every kernel point is, with
   * a sphere as large as sigma around it.
   */
  private static void requireKernel(SvgPicture picture, float[] q, KPConvXLayer layer) {
    double[][] towards = new double[3][];
    double[][] corner = new double[3][];
    double[] lowest = new double[3];
    for (int axis = 0; axis < 3; axis++) {
      List<Tick> ticks = picture.ticks("xyz".charAt(axis) + "-tick");
      Tick first = ticks.get(0);
      Tick last = ticks.get(ticks.size() - 1);
      double length = last.value() - first.value();
      towards[axis] =
          new double[] {
            (last.place().x() - first.place().x()) / length,
            (last.place().y() - first.place().y()) / length
          };
      corner[axis] = new double[] {first.place().x(), first.place().y()};
      lowest[axis] = first.value();
    }
    // The axes of x and z begin in the same corner, that of least x, y and z.
    assertArrayEquals(corner[0], corner[2], PIXEL);
    double scale = 0;
    for (double[] direction : towards) {
      scale += direction[0] * direction[0] + direction[1] * direction[1];
    }
    scale = Math.sqrt(scale / 2);
    int points = layer.config().kernelPoints();
    for (int k = 0; k < points; k++) {
      double x = corner[0][0];
      double y = corner[0][1];
      boolean finite = true;
      for (int axis = 0; axis < 3; axis++) {
        double way = q[3 * k + axis] - lowest[axis];
        finite &= Double.isFinite(way);
        x += way * towards[axis][0];
        y += way * towards[axis][1];
      }
      assertEquals(finite, picture.has("point-" + k));
      if (finite) {
        assertEquals(x, picture.box("point-" + k).x(), 0.02);
        assertEquals(y, picture.box("point-" + k).y(), 0.02);
        Box sphere = picture.box("sphere-" + k);
        assertEquals(x, sphere.x(), 0.02);
        assertEquals(y, sphere.y(), 0.02);
        assertEquals(layer.config().sigma() * scale, (sphere.right() - sphere.left()) / 2, 0.02);
        assertEquals("" + k, picture.text("point-" + k + "-label"));
      }
    }
    assertFalse(picture.has("point-" + points));
  }

  private static KPConvXLayer layer() {
    return KPConvXLayer.builder()
        .name("conv")
        .shells(List.of(0.0, 1.0), List.of(1, 2))
        .groups(1)
        .hiddenChannels(2)
        .build();
  }

  private static FloatNdArray of(long... shape) {
    return NdArrays.ofFloats(Shape.of(shape));
  }

  @Test
  void theSameKernelGivesTheSameBytes() {
    KernelRepresentation kernel =
        KernelRepresentation.of(layer(), of(3, 3), Map.of("W", of(1, 3, 4)));
    kernel.export(directory.resolve("a"), Map.of("W", of(1, 3, 4)));
    kernel.export(directory.resolve("b"), Map.of("W", of(1, 3, 4)));
    for (String name : names(directory.resolve("a"))) {
      assertEquals(
          Fixtures.text(directory.resolve("a").resolve(name)),
          Fixtures.text(directory.resolve("b").resolve(name)));
    }
  }

  @Test
  void aBuiltLayerShowsWhatItHasNow() {
    KPConvXLayer layer = layer();
    try (Graph graph = new Graph();
        Session session = new Session(graph)) {
      layer.build(Ops.create(graph), 4);
      float[] w = new float[12];
      w[5] = 0.25f;
      float[] points = {0, 0, 0, 0, 1, 0, -1.5f, 0, 0};
      try (TFloat32 q = TFloat32.tensorOf(Shape.of(3, 3), DataBuffers.of(points));
          TFloat32 weights = TFloat32.tensorOf(Shape.of(1, 3, 4), DataBuffers.of(w))) {
        layer.variables().get("conv/Q").assign(session, q);
        layer.variables().get("conv/W").assign(session, weights);
      }
      KernelRepresentation.of(layer, session).export(directory);
    }
    assertTrue(
        Fixtures.text(directory.resolve("Q.csv")).endsWith("-1.5000000 0.0000000 0.0000000\n"));
    assertTrue(Fixtures.text(directory.resolve("W0.csv")).contains("0.0000000 0.2500000 0.0"));
  }

  @Test
  void nothingIsDoneWithoutADirectory() {
    KernelRepresentation.of(layer(), of(3, 3), Map.of("W", of(1, 3, 4)))
        .export((String) null, null, Map.of());
  }

  @Test
  void wrongShapesAreNamed() {
    assertFails(
        "conv: Q has shape (2, 3), expected (3, 3)",
        () -> KernelRepresentation.of(layer(), of(2, 3), Map.of("W", of(1, 3, 4))));
    assertFails(
        "conv: W has shape (1, 3), expected (1, 3, D)",
        () -> KernelRepresentation.of(layer(), of(3, 3), Map.of("W", of(1, 3))));
    KernelRepresentation kernel =
        KernelRepresentation.of(layer(), of(3, 3), Map.of("W", of(1, 3, 4)));
    assertFails(
        "conv: the past W has shape (1, 3, 5), expected (1, 3, 4)",
        () -> kernel.export(directory.resolve("new"), Map.of("W", of(1, 3, 5))));
    assertFalse(Files.exists(directory.resolve("new")));
  }

  @Test
  void theWeightsOfALightLayerFitTogether() {
    LightKPConvLayer light =
        LightKPConvLayer.of(
            KerasObject.parse(
                "{\"class_name\": \"LightKPConvLayer\", \"config\": {\"name\": \"light\","
                    + " \"num_kernel_points\": 3, \"Dout\": 2}}"));
    assertFails(
        "light: A has shape (3, 5), expected (3, 4)",
        () -> KernelRepresentation.of(light, of(3, 3), Map.of("W", of(4, 2), "A", of(3, 5))));
    assertFails(
        "light: W has shape (4, 3), expected (D, 2)",
        () -> KernelRepresentation.of(light, of(3, 3), Map.of("W", of(4, 3), "A", of(3, 4))));
    assertFails(
        "light: A is missing, found only [W]",
        () -> KernelRepresentation.of(light, of(3, 3), Map.of("W", of(4, 2))));
    KernelRepresentation kernel =
        KernelRepresentation.of(light, of(3, 3), Map.of("W", of(4, 2), "A", of(3, 4)));
    assertFails(
        "light: the past A is missing, found only [W]",
        () -> kernel.export(directory.resolve("new"), Map.of("W", of(4, 2))));
    assertFalse(Files.exists(directory.resolve("new")));
  }

  @Test
  void aDirectoryThatCannotBeIsNamed() throws Exception {
    KernelRepresentation kernel =
        KernelRepresentation.of(layer(), of(3, 3), Map.of("W", of(1, 3, 4)));
    Path file = Files.createFile(directory.resolve("file"));
    assertFails(file + ": it is a file", () -> kernel.export(file));
    assertFails("no prefix", () -> kernel.export("*x", null, Map.of()));
    assertFails("no prefix", () -> kernel.export("*x", "", Map.of()));
    assertEquals(Set.of("file"), names(directory));
  }

  private static void assertFails(String reason, Runnable body) {
    String message = assertThrows(KerasException.class, body::run).getMessage();
    assertTrue(message.contains(reason), message);
  }
}
