package io.github.kpconvx.keras.savedmodel;

import com.google.protobuf.BoolValue;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.SavedObjectGraphOuterClass.FunctionSpec;
import org.tensorflow.proto.SavedObjectGraphOuterClass.SavedBareConcreteFunction;
import org.tensorflow.proto.SavedObjectGraphOuterClass.SavedConcreteFunction;
import org.tensorflow.proto.SavedObjectGraphOuterClass.SavedFunction;
import org.tensorflow.proto.SavedObjectGraphOuterClass.SavedObject;
import org.tensorflow.proto.SavedObjectGraphOuterClass.SavedObjectGraph;
import org.tensorflow.proto.SavedObjectGraphOuterClass.SavedUserObject;
import org.tensorflow.proto.SavedObjectGraphOuterClass.SavedVariable;
import org.tensorflow.proto.Struct.DictValue;
import org.tensorflow.proto.Struct.ListValue;
import org.tensorflow.proto.Struct.NamedTupleValue;
import org.tensorflow.proto.Struct.NoneValue;
import org.tensorflow.proto.Struct.PairValue;
import org.tensorflow.proto.Struct.StructuredValue;
import org.tensorflow.proto.Struct.TensorSpecProto;
import org.tensorflow.proto.Struct.TupleValue;
import org.tensorflow.proto.TrackableObjectGraphOuterClass.TrackableObjectGraph;
import org.tensorflow.proto.TrackableObjectGraphOuterClass.TrackableObjectGraph.TrackableObject;
import org.tensorflow.proto.TrackableObjectGraphOuterClass.TrackableObjectGraph.TrackableObject.ObjectReference;
import org.tensorflow.proto.VersionDef;

/**
 * The objects of a SavedModel as {@code tf.saved_model.load} makes them anew: those of a Keras 3
 * export. The root has the lists {@code variables}, {@code trainable_variables}, {@code
 * non_trainable_variables} and {@code _all_variables}, the function {@code serve}, and {@code
 * signatures}.
 */
final class ServingObjects {
  private static final String VALUE = "VARIABLE_VALUE";

  private final ServedModel model;
  private final List<ServedModel.Variable> variables;
  private final List<SavedObject.Builder> nodes = new ArrayList<>();
  private final Map<String, Integer> ids = new LinkedHashMap<>();
  private final Map<String, String> paths = new LinkedHashMap<>();
  private final Map<String, SavedConcreteFunction> functions = new LinkedHashMap<>();

  ServingObjects(ServedModel model) {
    this.model = model;
    this.variables = model.kerasFirst();
    int root = add(userObject("_generic_user_object"));
    for (ServedModel.Variable variable : variables) {
      ids.put(variable.name(), add(SavedObject.newBuilder().setVariable(saved(variable))));
    }
    List<ServedModel.Variable> keras = variables.stream().filter(v -> !v.untracked()).toList();
    addList(root, SavedVariables.KERAS, keras);
    addList(root, "trainable_variables", keras.stream().filter(v -> v.trainable()).toList());
    addList(root, "non_trainable_variables", keras.stream().filter(v -> !v.trainable()).toList());
    addList(root, SavedVariables.ALL, variables);
    refer(root, "serve", add(SavedObject.newBuilder().setFunction(serve())));
    int signatures = add(userObject("signature_map"));
    int function = add(SavedObject.newBuilder().setBareConcreteFunction(signature()));
    ServingGraph.SIGNATURES.forEach(name -> refer(signatures, name, function));
    refer(root, "signatures", signatures);
  }

  /** The place of each variable among the objects, by its name. */
  Map<String, String> paths() {
    return paths;
  }

  /** The objects as {@code saved_model.pb} has them. */
  SavedObjectGraph graph() {
    return SavedObjectGraph.newBuilder()
        .addAllNodes(nodes.stream().map(SavedObject.Builder::build).toList())
        .putAllConcreteFunctions(functions)
        .build();
  }

  /** The objects as the checkpoint has them: with the keys of their values. */
  TrackableObjectGraph checkpointed() {
    TrackableObjectGraph.Builder graph = TrackableObjectGraph.newBuilder();
    for (SavedObject.Builder node : nodes) {
      TrackableObject.Builder object =
          TrackableObject.newBuilder().addAllChildren(node.getChildrenList());
      if (node.hasVariable()) {
        String name = node.getVariable().getName();
        object
            .setHasCheckpointValues(BoolValue.of(true))
            .addAttributes(
                TrackableObject.SerializedTensor.newBuilder()
                    .setName(VALUE)
                    .setFullName(name)
                    .setCheckpointKey(Checkpoint.key(paths.get(name))));
      }
      graph.addNodes(object);
    }
    return graph.build();
  }

  private int add(SavedObject.Builder node) {
    nodes.add(node);
    return nodes.size() - 1;
  }

  private void refer(int parent, String name, int child) {
    nodes.get(parent).addChildren(ObjectReference.newBuilder().setLocalName(name).setNodeId(child));
  }

  private void addList(int root, String name, List<ServedModel.Variable> list) {
    int node = add(userObject("trackable_list_wrapper"));
    for (int i = 0; i < list.size(); i++) {
      String variable = list.get(i).name();
      refer(node, Integer.toString(i), ids.get(variable));
      paths.putIfAbsent(variable, name + "/" + i);
    }
    refer(root, name, node);
  }

  private static SavedObject.Builder userObject(String identifier) {
    return SavedObject.newBuilder()
        .setUserObject(
            SavedUserObject.newBuilder()
                .setIdentifier(identifier)
                .setVersion(VersionDef.newBuilder().setProducer(1).setMinConsumer(1)));
  }

  private static SavedVariable saved(ServedModel.Variable variable) {
    return SavedVariable.newBuilder()
        .setName(variable.name())
        .setDtype(variable.type().proto())
        .setShape(ServingGraph.proto(variable.shape()))
        .setTrainable(variable.trainable())
        .build();
  }

  /** {@code serve(x)}, {@code serve([x, f, n])}: what Keras exports. */
  private SavedFunction serve() {
    List<StructuredValue> inputs = new ArrayList<>();
    for (int i = 0; i < model.inputs().size(); i++) {
      inputs.add(input(i));
    }
    StructuredValue argument = inputs.size() == 1 ? inputs.get(0) : list(inputs);
    List<StructuredValue> outputs =
        ServingGraph.flattenedOutputs(model).stream().map(this::output).toList();
    StructuredValue result = outputs.size() == 1 ? outputs.get(0) : list(outputs);
    addFunction(
        ServingGraph.SERVE,
        tuple(tuple(argument), dict(Map.of())),
        model.dictionary() ? dict(namedOutputs()) : result);
    return SavedFunction.newBuilder()
        .addConcreteFunctions(ServingGraph.SERVE)
        .setFunctionSpec(
            FunctionSpec.newBuilder()
                .setFullargspec(arguments(List.of("args_0"), List.of()))
                .setInputSignature(tuple(argument)))
        .build();
  }

  /** Takes the inputs by name and gives the outputs by name. */
  private SavedBareConcreteFunction signature() {
    Map<String, StructuredValue> inputs = new LinkedHashMap<>();
    ServingGraph.sorted(model.inputs())
        .forEach(i -> inputs.put(model.inputs().get(i).name(), input(i)));
    addFunction(ServingGraph.SIGNATURE, tuple(tuple(), dict(inputs)), dict(namedOutputs()));
    return SavedBareConcreteFunction.newBuilder()
        .setConcreteFunctionName(ServingGraph.SIGNATURE)
        .addAllArgumentKeywords(inputs.keySet())
        .setFunctionSpec(
            FunctionSpec.newBuilder()
                .setFullargspec(arguments(List.of(), List.copyOf(inputs.keySet())))
                .setInputSignature(none()))
        .build();
  }

  private Map<String, StructuredValue> namedOutputs() {
    Map<String, StructuredValue> outputs = new LinkedHashMap<>();
    ServingGraph.sorted(model.outputs())
        .forEach(i -> outputs.put(model.outputs().get(i).name(), output(i)));
    return outputs;
  }

  private void addFunction(String name, StructuredValue inputs, StructuredValue outputs) {
    functions.put(
        name,
        SavedConcreteFunction.newBuilder()
            .addAllBoundInputs(
                model.variables().stream().map(variable -> ids.get(variable.name())).toList())
            .setCanonicalizedInputSignature(inputs)
            .setOutputSignature(outputs)
            .build());
  }

  private StructuredValue input(int i) {
    return tensor(model.inputs().get(i), model.function().getSignature().getInputArg(i).getType());
  }

  private StructuredValue output(int i) {
    return tensor(
        model.outputs().get(i), model.function().getSignature().getOutputArg(i).getType());
  }

  private static StructuredValue tensor(ServedModel.Tensor tensor, DataType type) {
    return StructuredValue.newBuilder()
        .setTensorSpecValue(
            TensorSpecProto.newBuilder()
                .setName(tensor.name())
                .setShape(ServingGraph.proto(tensor.shape()))
                .setDtype(type))
        .build();
  }

  /** Python's {@code inspect.FullArgSpec}. */
  private static StructuredValue arguments(List<String> positional, List<String> keywords) {
    NamedTupleValue.Builder spec = NamedTupleValue.newBuilder().setName("FullArgSpec");
    spec.addValues(pair("args", strings(positional)));
    spec.addValues(pair("varargs", none()));
    spec.addValues(pair("varkw", none()));
    spec.addValues(pair("defaults", none()));
    spec.addValues(pair("kwonlyargs", strings(keywords)));
    spec.addValues(pair("kwonlydefaults", none()));
    spec.addValues(pair("annotations", dict(Map.of())));
    return StructuredValue.newBuilder().setNamedTupleValue(spec).build();
  }

  private static PairValue pair(String key, StructuredValue value) {
    return PairValue.newBuilder().setKey(key).setValue(value).build();
  }

  private static StructuredValue none() {
    return StructuredValue.newBuilder().setNoneValue(NoneValue.getDefaultInstance()).build();
  }

  private static StructuredValue strings(List<String> values) {
    return list(
        values.stream()
            .map(value -> StructuredValue.newBuilder().setStringValue(value).build())
            .toList());
  }

  private static StructuredValue list(List<StructuredValue> values) {
    return StructuredValue.newBuilder()
        .setListValue(ListValue.newBuilder().addAllValues(values))
        .build();
  }

  private static StructuredValue tuple(StructuredValue... values) {
    return StructuredValue.newBuilder()
        .setTupleValue(TupleValue.newBuilder().addAllValues(List.of(values)))
        .build();
  }

  private static StructuredValue dict(Map<String, StructuredValue> values) {
    return StructuredValue.newBuilder()
        .setDictValue(DictValue.newBuilder().putAllFields(values))
        .build();
  }
}
