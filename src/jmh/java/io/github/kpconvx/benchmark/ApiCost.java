package io.github.kpconvx.benchmark;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.kpconvx.inference.Engine;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;

/**
 * What the library's public interface costs over the TensorFlow session under it, as a line of
 * JSON: the same graph, in turn through either, in pairs whose order alternates.
 */
public final class ApiCost {
  private static final int WARM_UP = 200;

  private ApiCost() {}

  /**
   * Measures.
   *
   * @param arguments the workload's folder; the form of inference, otherwise compiled; the number
   *     of pairs, otherwise 200
   */
  public static void main(String[] arguments) {
    if (arguments.length < 1 || arguments.length > 3) {
      throw new IllegalArgumentException("Usage: ApiCost WORKLOAD [FORM [PAIRS]]");
    }
    Workload workload = Workload.read(Path.of(arguments[0]));
    String form = arguments.length > 1 ? arguments[1] : "compiled";
    int pairs = arguments.length > 2 ? Integer.parseInt(arguments[2]) : 200;
    Engine engine = Engine.valueOf(form.toUpperCase(Locale.ROOT));
    try (ModelContender model = new ModelContender(workload, engine)) {
      // Closed with the model.
      Contender session = model.bareSession();
      model.check(workload);
      session.check(workload);
      double[] ofModel = new double[pairs];
      double[] ofSession = new double[pairs];
      for (int i = -WARM_UP; i < pairs; i++) {
        boolean modelFirst = i % 2 == 0;
        double first = milliseconds(modelFirst ? model : session);
        double second = milliseconds(modelFirst ? session : model);
        if (i >= 0) {
          ofModel[i] = modelFirst ? first : second;
          ofSession[i] = modelFirst ? second : first;
        }
      }
      double[] differences = new double[pairs];
      Arrays.setAll(differences, i -> ofModel[i] - ofSession[i]);
      double perSession = quantile(ofSession, 0.5);
      ObjectNode json = new ObjectMapper().createObjectNode();
      json.put("form", form);
      json.put("pairs", pairs);
      json.put("session_median_ms", perSession);
      json.put("api_median_ms", quantile(ofModel, 0.5));
      json.put("ratio", quantile(ofModel, 0.5) / perSession);
      json.put("difference_median_ms", quantile(differences, 0.5));
      json.put("difference_quartile_low_ms", quantile(differences, 0.25));
      json.put("difference_quartile_high_ms", quantile(differences, 0.75));
      json.put("cost_percent", 100 * quantile(differences, 0.5) / perSession);
      System.out.println(json);
    }
  }

  private static double milliseconds(Contender contender) {
    long start = System.nanoTime();
    contender.answer().close();
    return (System.nanoTime() - start) / 1e6;
  }

  private static double quantile(double[] values, double share) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted[(int) (share * (sorted.length - 1))];
  }
}
