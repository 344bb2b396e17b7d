package io.github.kpconvx.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.kpconvx.inference.KPConvX;
import io.github.kpconvx.inference.Model;
import io.github.kpconvx.numpy.NpyArray;
import io.github.kpconvx.numpy.NpzFile;
import io.github.kpconvx.pointcloud.PointClass;
import io.github.kpconvx.pointcloud.PointCloud;
import io.github.kpconvx.pointcloud.classification.Classification;
import io.github.kpconvx.pointcloud.classification.PreprocessingFile;
import io.github.kpconvx.pointcloud.receptive.Preprocessing;
import io.github.kpconvx.pointcloud.receptive.ReceptiveField;
import io.github.kpconvx.pointcloud.receptive.ReceptiveFields;
import io.github.kpconvx.pointcloud.receptive.Scores;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The demo's stages one by one in a new JVM, as a line of JSON; the answers are compared with those
 * that Python computed.
 */
public final class DemoStages {
  private static final double TOLERANCE = 1e-5;

  private final ObjectNode times = new ObjectMapper().createObjectNode();
  private long last = System.nanoTime();

  private DemoStages() {}

  /**
   * Measures.
   *
   * @param arguments the folder of the shipped model and scene, and the LAS file to write
   */
  public static void main(String[] arguments) {
    if (arguments.length != 2) {
      throw new IllegalArgumentException("Usage: DemoStages SHIPPED OUT.las");
    }
    NativeLibraries.setUp();
    new DemoStages().run(Path.of(arguments[0]), Path.of(arguments[1]));
  }

  private void run(Path shipped, Path out) {
    Preprocessing preprocessing = PreprocessingFile.read(PreprocessingFile.of(shipped));
    PointCloud cloud = PointCloud.read(shipped.resolve("scene.laz"));
    done("read_ms");
    ReceptiveFields all = ReceptiveFields.of(cloud, preprocessing);
    List<ReceptiveField> fields = new ArrayList<>();
    for (int i = 0; i < all.size(); i++) {
      fields.add(all.get(i));
    }
    done("neighbourhoods_ms");
    List<PointClass> classes = preprocessing.classes();
    Scores scores = new Scores(preprocessing.reduction(), cloud.size(), classes.size());
    try (Model model = KPConvX.load(shipped)) {
      done("load_ms");
      predict(model, fields.get(0));
      done("first_answer_ms");
      times.put(
          "since_jvm_start_ms",
          System.currentTimeMillis() - ManagementFactory.getRuntimeMXBean().getStartTime());
      last = System.nanoTime();
      for (ReceptiveField field : fields) {
        scores.add(field, predict(model, field));
      }
      done("predictions_ms");
    }
    float[] probabilities = scores.result();
    int[] found = Classification.mostProbable(probabilities, classes.size());
    int[] codes = Arrays.stream(found).map(c -> classes.get(c).code()).toArray();
    cloud.withClassification(codes).write(out);
    done("write_ms");
    times.put("points", cloud.size());
    check(probabilities, shipped.resolve("predictions.npz"));
    System.out.println(times);
  }

  private static float[] predict(Model model, ReceptiveField field) {
    Map<String, NpyArray> inputs = new HashMap<>();
    field.inputs().forEach((name, array) -> inputs.put(name, NpyArray.stack(List.of(array))));
    return model
        .predictArrays(inputs, model.outputs().keySet())
        .values()
        .iterator()
        .next()
        .toFloats();
  }

  private void done(String stage) {
    long now = System.nanoTime();
    times.put(stage, (now - last) / 1e6);
    last = now;
  }

  private static void check(float[] found, Path expected) {
    float[] python = NpzFile.read(expected).get("probabilities").toFloats();
    for (int i = 0; i < python.length; i++) {
      if (!(Math.abs(found[i] - python[i]) <= TOLERANCE)) {
        throw new IllegalStateException(
            "Probability %d is %s, Python's is %s".formatted(i, found[i], python[i]));
      }
    }
  }
}
