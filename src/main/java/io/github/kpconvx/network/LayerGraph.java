package io.github.kpconvx.network;

import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.weights.LayerSpec;
import io.github.kpconvx.layer.Argument;
import io.github.kpconvx.layer.Arguments;
import io.github.kpconvx.layer.CallContext;
import io.github.kpconvx.layer.InputSpec;
import io.github.kpconvx.layer.Layer;
import io.github.kpconvx.layer.LayerCall;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBool;

/**
 * Layers and how they are connected: what a model is made of, be it a whole network or one inside
 * of another.
 */
final class LayerGraph {
  private final List<Entry> entries;
  private final List<InputSpec> inputs;
  private final Argument<Source> outputs;
  private final List<Call> calls;
  private final Set<Layer> builtLayers = new HashSet<>();

  /**
   * A layer with its calls.
   *
   * @param name its name
   * @param layer the layer; null for an input layer
   * @param firstCall the number that Keras gives to its first call
   * @param calls what each call takes
   */
  record Entry(String name, Layer layer, int firstCall, List<Arguments<Source>> calls) {
    static Entry input(String name) {
      return new Entry(name, null, 0, List.of());
    }
  }

  /** Which call of which layer; its outputs stand together. */
  private record Target(String layer, int call) {
    static Target of(Source source) {
      return new Target(source.layer(), source.call());
    }
  }

  private record Call(Layer layer, String name, Target target, Arguments<Source> arguments) {}

  /** What a call gave. */
  private record Result(List<Operand<?>> outputs, Map<Integer, Operand<TBool>> masks) {}

  /**
   * Connects layers.
   *
   * @param entries the layers in the model's order, input layers included
   * @param inputs what goes in, in the order in which Keras flattens it
   * @param outputs where the outputs come from: one, or a list or dictionary of them
   * @throws KerasException if a layer takes what no layer makes, or what it makes itself
   */
  LayerGraph(List<Entry> entries, List<InputSpec> inputs, Argument<Source> outputs) {
    this.entries = List.copyOf(entries);
    this.inputs = List.copyOf(inputs);
    this.outputs = outputs;
    this.calls = inOrder();
  }

  List<InputSpec> inputs() {
    return inputs;
  }

  /** The names of the outputs: a dictionary's keys, or {@code output_0} and so on. */
  Set<String> outputNames() {
    return namedOutputs().keySet();
  }

  /** Whether the outputs are a dictionary of tensors. */
  boolean givesDictionary() {
    return outputs instanceof Argument.Entries<Source> dictionary
        && dictionary.entries().values().stream().allMatch(Argument.Tensor.class::isInstance);
  }

  private Map<String, Source> namedOutputs() {
    Map<String, Source> named = new LinkedHashMap<>();
    if (givesDictionary()) {
      ((Argument.Entries<Source>) outputs)
          .entries()
          .forEach((key, value) -> named.put(key, value.tensors().get(0)));
    } else {
      outputs.tensors().forEach(source -> named.put("output_" + named.size(), source));
    }
    return named;
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
   * @param tf the operations of the graph
   * @param arguments a tensor for each input
   * @param context its stages are told each layer's output under its name, and {@code layer/stage}
   *     for what a layer makes known about its inside
   * @return the outputs by name
   * @throws KerasException if a layer does not fit its inputs
   */
  Map<String, Operand<?>> call(Ops tf, List<? extends Operand<?>> arguments, CallContext context) {
    Map<Target, Result> results = results(tf, arguments, Map.of(), context);
    Map<String, Operand<?>> named = new LinkedHashMap<>();
    namedOutputs().forEach((name, source) -> named.put(name, output(results, source)));
    return named;
  }

  /** The outputs in the order in which Keras flattens them, and masks by their places. */
  record Flat(List<Operand<?>> outputs, Map<Integer, Operand<TBool>> masks) {}

  /** As {@link #call}, of inputs that carry masks, by their places. */
  Flat callNested(
      Ops tf,
      List<? extends Operand<?>> arguments,
      Map<Integer, Operand<TBool>> masks,
      CallContext context) {
    Map<Target, Result> results = results(tf, arguments, masks, context);
    List<Operand<?>> flat = new ArrayList<>();
    Map<Integer, Operand<TBool>> flatMasks = new HashMap<>();
    outputs.forEachTensor(
        source -> {
          Operand<TBool> mask = results.get(Target.of(source)).masks().get(source.output());
          if (mask != null) {
            flatMasks.put(flat.size(), mask);
          }
          flat.add(output(results, source));
        });
    return new Flat(flat, flatMasks);
  }

  private Map<Target, Result> results(
      Ops tf,
      List<? extends Operand<?>> arguments,
      Map<Integer, Operand<TBool>> masks,
      CallContext context) {
    Map<Target, Result> results = new HashMap<>();
    for (int i = 0; i < inputs.size(); i++) {
      Operand<TBool> mask = masks.get(i);
      results.put(
          new Target(inputs.get(i).name(), 0),
          new Result(List.of(arguments.get(i)), mask == null ? Map.of() : Map.of(0, mask)));
    }
    for (Call call : calls) {
      results.put(call.target(), call(tf, call, results, context));
    }
    return results;
  }

  private static Operand<?> output(Map<Target, Result> results, Source source) {
    Result made = results.get(Target.of(source));
    if (source.output() >= made.outputs().size()) {
      throw new KerasException(
          "A tensor is "
              + source
              + ", which has "
              + made.outputs().size()
              + (made.outputs().size() == 1 ? " output" : " outputs"));
    }
    return made.outputs().get(source.output());
  }

  private Result call(Ops tf, Call call, Map<Target, Result> results, CallContext context) {
    Arguments<Operand<?>> arguments = call.arguments().map(source -> output(results, source));
    Map<Integer, Operand<TBool>> masks = new HashMap<>();
    List<Source> sources = call.arguments().tensors();
    for (int i = 0; i < sources.size(); i++) {
      Source source = sources.get(i);
      Operand<TBool> mask = results.get(Target.of(source)).masks().get(source.output());
      if (mask != null) {
        masks.put(i, mask);
      }
    }
    Layer layer = call.layer();
    if (builtLayers.add(layer)) {
      layer.build(tf, arguments.map(Operand::shape));
    }
    LayerCall layerCall =
        new LayerCall(
            arguments,
            masks,
            (isFixed(call.arguments()) ? context.fixed() : context)
                .withStages(
                    (stage, value) -> context.stages().record(call.name() + "/" + stage, value)));
    List<Operand<?>> outputs = layer.call(tf, layerCall);
    if (outputs.size() == 1) {
      context.stages().record(call.name(), outputs.get(0));
    } else {
      for (int i = 0; i < outputs.size(); i++) {
        context.stages().record(call.name() + "/output_" + i, outputs.get(i));
      }
    }
    return new Result(outputs, layer.masks(tf, layerCall, outputs));
  }

  /** Whether a layer is called with {@code training=False}. */
  private static boolean isFixed(Arguments<Source> arguments) {
    return arguments.keywords().get(InboundNode.TRAINING) instanceof Argument.Constant<Source> given
        && given.value().isBoolean()
        && !given.value().booleanValue();
  }

  /** All calls, each after those whose results it takes. */
  private List<Call> inOrder() {
    Map<Target, Call> known = new LinkedHashMap<>();
    for (Entry entry : entries) {
      for (int i = 0; i < entry.calls().size(); i++) {
        Target target = new Target(entry.name(), entry.firstCall() + i);
        known.put(
            target,
            new Call(
                entry.layer(),
                entry.name() + (i == 0 ? "" : "#" + i),
                target,
                entry.calls().get(i)));
      }
    }
    Set<Target> given = new HashSet<>();
    inputs.forEach(input -> given.add(new Target(input.name(), 0)));
    outputs.forEachTensor(
        source -> {
          if (!given.contains(Target.of(source)) && !known.containsKey(Target.of(source))) {
            throw new KerasException("An output is " + source + ", which the model does not have");
          }
        });
    List<Call> ordered = new ArrayList<>();
    known.values().forEach(call -> addWithSources(call, known, given, ordered));
    return ordered;
  }

  /** Not recursive, as a model may be thousands of layers deep. */
  private static void addWithSources(
      Call last, Map<Target, Call> known, Set<Target> done, List<Call> ordered) {
    Deque<Call> open = new ArrayDeque<>();
    Deque<Iterator<Source>> left = new ArrayDeque<>();
    Set<Target> path = new LinkedHashSet<>();
    if (!done.contains(last.target())) {
      open.push(last);
      left.push(last.arguments().tensors().iterator());
      path.add(last.target());
    }
    while (!open.isEmpty()) {
      if (!left.peek().hasNext()) {
        left.pop();
        Call call = open.pop();
        path.remove(call.target());
        done.add(call.target());
        ordered.add(call);
        continue;
      }
      Source source = left.peek().next();
      Target target = Target.of(source);
      if (done.contains(target)) {
        continue;
      }
      Call call = known.get(target);
      if (call == null) {
        throw new KerasException(
            "Layer " + open.peek().name() + " takes " + source + ", which the model does not have");
      }
      if (!path.add(target)) {
        throw new KerasException(
            "Layer "
                + open.peek().name()
                + " takes "
                + source
                + ", which depends on it: the layers "
                + path.stream().map(Target::layer).distinct().toList()
                + " go in a circle");
      }
      open.push(call);
      left.push(call.arguments().tensors().iterator());
    }
  }
}
