package io.github.kpconvx.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.kpconvx.layer.tiling.Gpu;
import io.github.kpconvx.numpy.NpyArray;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.TreeMap;

/**
 * What the command bench tells.
 *
 * @param model what was timed
 * @param inputs what it computed
 * @param runs how often in each form
 * @param forms the times
 */
record BenchReport(Path model, Map<String, NpyArray> inputs, int runs, List<FormTiming> forms) {
  private static int processors() {
    return Runtime.getRuntime().availableProcessors();
  }

  /** B·R: the points of all clouds, or of a model without them its samples. */
  private long points() {
    long[] shape = inputs.getOrDefault("X", inputs.values().iterator().next()).shape();
    return Arrays.stream(shape).limit(Math.max(1, shape.length - 1)).reduce(1, (a, b) -> a * b);
  }

  private double microsecondsPerPoint(FormTiming form) {
    return form.median() * 1e3 / points();
  }

  /** How many times as fast as the plain form, if that was timed. */
  private OptionalDouble gain(FormTiming form) {
    return forms.stream()
        .filter(other -> other.name().equals("plain"))
        .mapToDouble(plain -> plain.median() / form.median())
        .findFirst();
  }

  void printTable(PrintWriter out) {
    Map<String, String> shapes = new TreeMap<>();
    inputs.forEach((name, array) -> shapes.put(name, Arrays.toString(array.shape())));
    out.printf(
        Locale.ROOT,
        "%s, inputs %s, %d processors%s, runs of each form: %d, times in ms%n",
        model,
        shapes,
        processors(),
        Gpu.isPresent() ? " and a GPU" : "",
        runs);
    out.printf(
        "%-12s %10s %10s %10s %10s %10s %12s%n",
        "form", "load", "first", "least", "median", "µs/point", "plain/form");
    for (FormTiming form : forms) {
      OptionalDouble gain = gain(form);
      out.printf(
          Locale.ROOT,
          "%-12s %10.1f %10.1f %10.1f %10.1f %10.2f %12s%n",
          form.name(),
          form.load(),
          form.first(),
          form.least(),
          form.median(),
          microsecondsPerPoint(form),
          gain.isPresent() ? String.format(Locale.ROOT, "%.2f", gain.getAsDouble()) : "-");
    }
  }

  String toJson() {
    ObjectNode json = new ObjectMapper().createObjectNode();
    json.put("model", model.toString());
    ObjectNode shapes = json.putObject("inputs");
    new TreeMap<>(inputs)
        .forEach(
            (name, array) -> Arrays.stream(array.shape()).forEach(shapes.withArray(name)::add));
    json.put("processors", processors());
    json.put("gpu", Gpu.isPresent());
    json.put("runs", runs);
    for (FormTiming form : forms) {
      ObjectNode row = json.withArray("forms").addObject();
      row.put("form", form.name());
      row.put("load_ms", form.load());
      row.put("first_ms", form.first());
      row.put("least_ms", form.least());
      row.put("median_ms", form.median());
      row.put("microseconds_per_point", microsecondsPerPoint(form));
      gain(form).ifPresent(gain -> row.put("plain_over_form", gain));
      row.put("largest_difference", form.difference());
    }
    return json.toPrettyString();
  }
}
