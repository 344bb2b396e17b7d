package io.github.kpconvx.keras.savedmodel;

import com.google.protobuf.ByteString;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.FunctionDef;
import org.tensorflow.proto.FunctionDefLibrary;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.MetaGraphDef;
import org.tensorflow.proto.NameAttrList;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.OpDef;
import org.tensorflow.proto.ResourceHandleProto;
import org.tensorflow.proto.SaverDef;
import org.tensorflow.proto.SignatureDef;
import org.tensorflow.proto.TensorInfo;
import org.tensorflow.proto.TensorProto;
import org.tensorflow.proto.TensorShapeProto;

/**
 * The graph of a SavedModel as sessions run it (TensorFlow Serving's, TensorFlow Java's):
 * variables, a call for each signature, operations that save and restore, and the functions that
 * are called.
 *
 * <p>The model's function takes values. Around it go two that read the variables: one takes the
 * inputs in the model's order, for {@code serve} as an attribute of the loaded object, the other in
 * the order of their names, as TensorFlow calls the functions of signatures.
 */
final class ServingGraph {
  /** Takes the inputs in the model's order. */
  static final String SERVE = "__inference_serve";

  /** Takes the inputs in the alphabetical order of their names. */
  static final String SIGNATURE = "__inference_signature_wrapper";

  /** What can be run by name. */
  static final List<String> SIGNATURES = List.of("serve", "serving_default");

  private static final String METHOD = "tensorflow/serving/predict";
  private static final String FILE = "saver_filename";

  private final ServedModel model;
  private final Map<String, String> keys;
  private final GraphDef.Builder graph = GraphDef.newBuilder();
  private final Set<String> names = new HashSet<>();

  /**
   * @param model the model
   * @param keys the key in the checkpoint of each variable, by its name
   */
  ServingGraph(ServedModel model, Map<String, String> keys) {
    this.model = model;
    this.keys = keys;
  }

  /** Puts graph, signatures and saver into the description of a SavedModel. */
  void addTo(MetaGraphDef.Builder target) {
    List<Integer> sorted = sorted(model.inputs());
    graph
        .setVersions(model.versions())
        .setLibrary(
            FunctionDefLibrary.newBuilder()
                .addFunction(withShapes())
                .addFunction(
                    reading(
                        SERVE,
                        IntStream.range(0, inputs().size()).boxed().toList(),
                        flattenedOutputs(model)))
                .addFunction(reading(SIGNATURE, sorted, sorted(model.outputs()))));
    List<String> variables = new ArrayList<>();
    for (int i = 0; i < model.variables().size(); i++) {
      variables.add(variable(i));
    }
    for (String signature : SIGNATURES) {
      target.putSignatureDef(signature, signature(signature, sorted, variables));
    }
    target.setSaverDef(saver(variables)).setGraphDef(graph);
  }

  /**
   * The tensors' places in the model's order, in the order of their names: TensorFlow flattens
   * dictionaries by their sorted keys.
   */
  static List<Integer> sorted(List<ServedModel.Tensor> tensors) {
    return IntStream.range(0, tensors.size())
        .boxed()
        .sorted(Comparator.comparing(i -> tensors.get(i).name()))
        .toList();
  }

  /** The outputs' places in the order in which TensorFlow flattens what {@code serve} gives. */
  static List<Integer> flattenedOutputs(ServedModel model) {
    return model.dictionary()
        ? sorted(model.outputs())
        : IntStream.range(0, model.outputs().size()).boxed().toList();
  }

  private List<ServedModel.Tensor> inputs() {
    return model.inputs();
  }

  private DataType inputType(int input) {
    return model.function().getSignature().getInputArg(input).getType();
  }

  private DataType variableType(int variable) {
    return model.variables().get(variable).type().proto();
  }

  private DataType outputType(int output) {
    return model.function().getSignature().getOutputArg(output).getType();
  }

  /** The model's function, told the shapes of its arguments, which TensorFlow plans by. */
  private FunctionDef withShapes() {
    FunctionDef.Builder function = model.function().toBuilder();
    List<Shape> arguments =
        Stream.concat(
                inputs().stream().map(ServedModel.Tensor::shape),
                model.variables().stream().map(ServedModel.Variable::shape))
            .toList();
    for (int i = 0; i < arguments.size(); i++) {
      function.putArgAttr(
          i,
          function.getArgAttrOrDefault(i, FunctionDef.ArgAttrs.getDefaultInstance()).toBuilder()
              .putAttr("_output_shapes", shapes(List.of(arguments.get(i))))
              .build());
    }
    return function.build();
  }

  /** A function of inputs and outputs in a given order and of the variables, not their values. */
  private FunctionDef reading(String name, List<Integer> order, List<Integer> outputs) {
    OpDef.Builder signature = OpDef.newBuilder().setName(name).setIsStateful(true);
    FunctionDef.Builder function = FunctionDef.newBuilder();
    for (int input : order) {
      function.putArgAttr(
          signature.getInputArgCount(),
          FunctionDef.ArgAttrs.newBuilder()
              .putAttr("_output_shapes", shapes(List.of(inputs().get(input).shape())))
              .build());
      signature.addInputArg(
          OpDef.ArgDef.newBuilder().setName("input_" + input).setType(inputType(input)));
    }
    List<String> arguments = new ArrayList<>();
    List<DataType> types = new ArrayList<>();
    for (int i = 0; i < inputs().size(); i++) {
      arguments.add("input_" + i);
      types.add(inputType(i));
    }
    for (int i = 0; i < model.variables().size(); i++) {
      String argument = "variable_" + i;
      signature.addInputArg(
          OpDef.ArgDef.newBuilder()
              .setName(argument)
              .setType(DataType.DT_RESOURCE)
              .addHandleData(
                  ResourceHandleProto.DtypeAndShape.newBuilder()
                      .setDtype(variableType(i))
                      .setShape(proto(model.variables().get(i).shape()))));
      function.addNodeDef(
          node("read_" + i, "ReadVariableOp", argument).putAttr("dtype", type(variableType(i))));
      arguments.add("read_" + i + ":value:0");
      types.add(variableType(i));
    }
    function.addNodeDef(
        call(
            "call",
            model.function().getSignature().getName(),
            arguments,
            types,
            IntStream.range(0, model.outputs().size()).boxed().toList()));
    for (int i : outputs) {
      String output = "output_" + i;
      signature.addOutputArg(OpDef.ArgDef.newBuilder().setName(output).setType(outputType(i)));
      function.putRet(output, "call:output:" + i);
    }
    // Without these the checks inside would be no part of the function where TensorFlow traces it.
    signature.addControlOutput("call");
    return function.putControlRet("call", "call").setSignature(signature).build();
  }

  private NodeDef.Builder call(
      String name,
      String function,
      List<String> arguments,
      List<DataType> types,
      List<Integer> outputs) {
    return node(name, "StatefulPartitionedCall", arguments.toArray(String[]::new))
        .putAttr("Tin", types(types))
        .putAttr("Tout", types(outputs.stream().map(this::outputType).toList()))
        .putAttr(
            "f",
            AttrValue.newBuilder().setFunc(NameAttrList.newBuilder().setName(function)).build())
        .putAttr(
            "_output_shapes",
            shapes(outputs.stream().map(i -> model.outputs().get(i).shape()).toList()));
  }

  /** Adds a variable; returns its node. */
  private String variable(int i) {
    ServedModel.Variable variable = model.variables().get(i);
    String name = unused(variable.name());
    graph.addNode(
        node(name, "VarHandleOp")
            .putAttr("dtype", type(variableType(i)))
            .putAttr("shape", AttrValue.newBuilder().setShape(proto(variable.shape())).build())
            .putAttr("shared_name", text(name)));
    return name;
  }

  /** A name that nodes may have and none has. */
  private String unused(String wanted) {
    String name = wanted.replaceAll("[^A-Za-z0-9_./-]", "_").replaceFirst("^[^A-Za-z0-9.]", ".");
    String free = name;
    for (int i = 1; !names.add(free); i++) {
      free = name + "_" + i;
    }
    return free;
  }

  private SignatureDef signature(String name, List<Integer> order, List<String> variables) {
    SignatureDef.Builder signature = SignatureDef.newBuilder().setMethodName(METHOD);
    List<String> arguments = new ArrayList<>();
    List<DataType> types = new ArrayList<>();
    for (int i : order) {
      ServedModel.Tensor input = inputs().get(i);
      String placeholder = unused(name + "_" + input.name());
      graph.addNode(
          node(placeholder, "Placeholder")
              .putAttr("dtype", type(inputType(i)))
              .putAttr("shape", AttrValue.newBuilder().setShape(proto(input.shape())).build()));
      signature.putInputs(input.name(), info(placeholder + ":0", inputType(i), input.shape()));
      arguments.add(placeholder);
      types.add(inputType(i));
    }
    variables.forEach(
        variable -> {
          arguments.add(variable);
          types.add(DataType.DT_RESOURCE);
        });
    String call = unused(name + "_call");
    List<Integer> outputs = sorted(model.outputs());
    graph.addNode(call(call, SIGNATURE, arguments, types, outputs));
    for (int place = 0; place < outputs.size(); place++) {
      int i = outputs.get(place);
      ServedModel.Tensor output = model.outputs().get(i);
      signature.putOutputs(output.name(), info(call + ":" + place, outputType(i), output.shape()));
    }
    return signature.build();
  }

  private SaverDef saver(List<String> variables) {
    List<String> names = model.variables().stream().map(v -> keys.get(v.name())).toList();
    List<DataType> types = model.variables().stream().map(v -> v.type().proto()).toList();
    graph.addNode(
        node(FILE, "Placeholder")
            .putAttr("dtype", type(DataType.DT_STRING))
            .putAttr("shape", AttrValue.newBuilder().setShape(proto(Shape.scalar())).build()));
    List<String> restored = new ArrayList<>();
    List<String> saved = new ArrayList<>();
    if (!variables.isEmpty()) { // Neither operation does with nothing to save or to restore.
      graph.addNode(strings("saver_names", names));
      graph.addNode(strings("saver_slices", names.stream().map(name -> "").toList()));
      List<String> table = List.of(FILE, "saver_names", "saver_slices");
      List<String> values = new ArrayList<>(table);
      for (int i = 0; i < variables.size(); i++) {
        values.add("saver_read_" + i);
        graph.addNode(
            node("saver_read_" + i, "ReadVariableOp", variables.get(i))
                .putAttr("dtype", type(variableType(i))));
        restored.add("^saver_assign_" + i);
        graph.addNode(
            node("saver_assign_" + i, "AssignVariableOp", variables.get(i), "saver_restore:" + i)
                .putAttr("dtype", type(variableType(i))));
      }
      graph.addNode(
          node("saver_save", "SaveV2", values.toArray(String[]::new))
              .putAttr("dtypes", types(types)));
      saved.add("^saver_save");
      graph.addNode(
          node("saver_restore", "RestoreV2", table.toArray(String[]::new))
              .putAttr("dtypes", types(types)));
    }
    saved.add(0, FILE);
    graph.addNode(
        node("saver_saved", "Identity", saved.toArray(String[]::new))
            .putAttr("T", type(DataType.DT_STRING)));
    graph.addNode(node("saver_restored", "NoOp", restored.toArray(String[]::new)));
    return SaverDef.newBuilder()
        .setFilenameTensorName(FILE + ":0")
        .setSaveTensorName("saver_saved:0")
        .setRestoreOpName("saver_restored")
        .setVersion(SaverDef.CheckpointFormatVersion.V2)
        .build();
  }

  private static NodeDef.Builder node(String name, String op, String... inputs) {
    return NodeDef.newBuilder().setName(name).setOp(op).addAllInput(List.of(inputs));
  }

  private static NodeDef.Builder strings(String name, List<String> values) {
    TensorProto.Builder tensor =
        TensorProto.newBuilder()
            .setDtype(DataType.DT_STRING)
            .setTensorShape(proto(Shape.of(values.size())));
    values.forEach(value -> tensor.addStringVal(ByteString.copyFromUtf8(value)));
    return node(name, "Const")
        .putAttr("dtype", type(DataType.DT_STRING))
        .putAttr("value", AttrValue.newBuilder().setTensor(tensor).build());
  }

  private static TensorInfo info(String tensor, DataType type, Shape shape) {
    return TensorInfo.newBuilder()
        .setName(tensor)
        .setDtype(type)
        .setTensorShape(proto(shape))
        .build();
  }

  private static AttrValue type(DataType type) {
    return AttrValue.newBuilder().setType(type).build();
  }

  private static AttrValue text(String text) {
    return AttrValue.newBuilder().setS(ByteString.copyFromUtf8(text)).build();
  }

  private static AttrValue types(List<DataType> types) {
    return AttrValue.newBuilder()
        .setList(AttrValue.ListValue.newBuilder().addAllType(types))
        .build();
  }

  private static AttrValue shapes(List<Shape> shapes) {
    return AttrValue.newBuilder()
        .setList(
            AttrValue.ListValue.newBuilder()
                .addAllShape(shapes.stream().map(ServingGraph::proto).toList()))
        .build();
  }

  /** A shape as TensorFlow's protocol buffers have it. */
  static TensorShapeProto proto(Shape shape) {
    TensorShapeProto.Builder proto = TensorShapeProto.newBuilder();
    if (shape.isUnknown()) {
      return proto.setUnknownRank(true).build();
    }
    for (long size : shape.asArray()) {
      proto.addDim(TensorShapeProto.Dim.newBuilder().setSize(size));
    }
    return proto.build();
  }
}
