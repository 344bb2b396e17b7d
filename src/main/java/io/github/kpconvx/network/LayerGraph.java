package io.github.kpconvx.network;

import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.weights.LayerSpec;
import io.github.kpconvx.layer.CallContext;
import io.github.kpconvx.layer.Layer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

/**
 * Layers and how they are connected: what a model is made of, be it a whole network or one inside
 * of another.
 */
final class LayerGraph {
  private final List<Entry> entries;
  private final List<Network.Input> inputs;
  private final Map<String, Source> outputs;
  private final Set<Layer> builtLayers = new HashSet<>();

  /**
   * A layer with its calls.
   *
   * @param name its name
   * @param layer the layer; null for an input layer
   * @param firstCall the number that Keras gives to its first call
   * @param calls what each call takes
   */
  record Entry(String name, Layer layer, int firstCall, List<List<Source>> calls) {
    static Entry input(String name) {
      return new Entry(name, null, 0, List.of());
    }
  }

  private record Call(Layer layer, String name, Source target, List<Source> sources) {}

  /**
   * Connects layers.
   *
   * @param entries the layers in the model's order, input layers included
   * @param inputs what goes in
   * @param outputs where each output comes from, by name
   */
  LayerGraph(List<Entry> entries, List<Network.Input> inputs, Map<String, Source> outputs) {
    this.entries = List.copyOf(entries);
    this.inputs = List.copyOf(inputs);
    this.outputs = new LinkedHashMap<>(outputs);
  }

  List<Network.Input> inputs() {
    return inputs;
  }

  Set<String> outputNames() {
    return outputs.keySet();
  }

  /** The layers without the input layers. */
  List<Layer> layers() {
    return entries.stream().filter(entry -> entry.layer() != null).map(Entry::layer).toList();
  }

  /** What the layers expect of a weight file; input layers (nothing) included. */
  List<LayerSpec> specs() {
    return entries.stream()
        .map(
            entry ->
                entry.layer() != null
                    ? entry.layer().spec()
                    : new LayerSpec(entry.name(), Network.INPUT_LAYER, List.of()))
        .toList();
  }

  /**
   * Adds the computation of all layers to a graph. Layers are built when they are first called, as
   * only then the shapes of their inputs are known.
   *
   * @param tf where to
   * @param arguments a tensor for each input
   * @param context its stages are told each layer's output under its name, and {@code layer/stage}
   *     for what a layer makes known about its inside
   * @return the outputs by name
   * @throws KerasException if a layer does not fit its inputs or the connections make no sense
   */
  Map<String, Operand<?>> call(Ops tf, List<Operand<?>> arguments, CallContext context) {
    Map<Source, Operand<?>> values = new HashMap<>();
    for (int i = 0; i < inputs.size(); i++) {
      values.put(new Source(inputs.get(i).name(), 0), arguments.get(i));
    }
    // A layer can be called once its inputs are there; a round without progress means that some
    // never will be.
    ArrayDeque<Call> waiting = calls();
    int idle = 0;
    while (!waiting.isEmpty()) {
      Call call = waiting.remove();
      if (values.keySet().containsAll(call.sources())) {
        idle = 0;
        values.put(call.target(), call(tf, call, values, context));
      } else {
        waiting.add(call);
        if (++idle > waiting.size()) {
          throw new KerasException(
              "Layer "
                  + call.layer().name()
                  + " takes its input from "
                  + call.sources()
                  + ", which never come to be");
        }
      }
    }
    Map<String, Operand<?>> results = new LinkedHashMap<>();
    outputs.forEach(
        (name, source) -> {
          if (!values.containsKey(source)) {
            throw new KerasException("Output " + name + " is " + source + ", which no layer makes");
          }
          results.put(name, values.get(source));
        });
    return results;
  }

  private Operand<TFloat32> call(
      Ops tf, Call call, Map<Source, Operand<?>> values, CallContext context) {
    List<Operand<?>> arguments = new ArrayList<>();
    call.sources().forEach(source -> arguments.add(values.get(source)));
    Layer layer = call.layer();
    if (builtLayers.add(layer)) {
      layer.build(tf, arguments.stream().map(Operand::shape).toList());
    }
    Operand<TFloat32> result =
        layer.call(
            tf,
            arguments,
            context.withStages(
                (stage, value) -> context.stages().record(call.name() + "/" + stage, value)));
    context.stages().record(call.name(), result);
    return result;
  }

  private ArrayDeque<Call> calls() {
    ArrayDeque<Call> calls = new ArrayDeque<>();
    for (Entry entry : entries) {
      for (int i = 0; i < entry.calls().size(); i++) {
        calls.add(
            new Call(
                entry.layer(),
                entry.name() + (i == 0 ? "" : "#" + i),
                new Source(entry.name(), entry.firstCall() + i),
                entry.calls().get(i)));
      }
    }
    return calls;
  }
}
