package io.github.kpconvx.inference;

import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.file.StoredModel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.tensorflow.Graph;
import org.tensorflow.Output;
import org.tensorflow.SavedModelBundle;
import org.tensorflow.Signature;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.proto.ConfigProto;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.RunOptions;
import org.tensorflow.types.TBfloat16;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TFloat16;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.TString;
import org.tensorflow.types.TUint16;
import org.tensorflow.types.TUint8;
import org.tensorflow.types.family.TType;

/**
 * The graph that a SavedModel stores, as a model.
 *
 * @param path the SavedModel's directory
 * @param signature the name of what is run
 * @param unsafeOperations whether operations that reach beyond the model may run
 * @param session how TensorFlow runs it
 * @param options how each run is done
 */
record StoredGraph(
    Path path,
    String signature,
    boolean unsafeOperations,
    ConfigProto session,
    RunOptions options) {

  /**
   * Loads the graph.
   *
   * @param file the open file
   * @param reason why this is what runs
   * @param start awaited before TensorFlow is used
   */
  Model load(StoredModel file, String reason, TensorFlowStart start) {
    List<String> known = file.signatures().stream().map(s -> s.name()).toList();
    if (known.isEmpty()) {
      throw new KerasException(
          "The engine savedmodel runs a SavedModel directory with signatures, found none in "
              + path
              + ", "
              + file.format()
              + "; use the engine auto, or export the model in Python (model.export)");
    }
    if (!known.contains(signature)) {
      throw new KerasException(
          path + " has no signature " + signature + ", expected one of " + known);
    }
    if (!unsafeOperations) {
      StoredOperations.requireComputing(path, file.graph().orElseThrow(), signature);
    }
    start.await();
    SavedModelBundle bundle;
    try {
      bundle =
          SavedModelBundle.loader(path.toString())
              .withTags(SavedModelBundle.DEFAULT_TAG)
              .withConfigProto(session)
              .withRunOptions(options)
              .load();
    } catch (RuntimeException e) {
      throw ModelException.translate(path + " cannot be loaded", e);
    }
    try {
      Signature stored = bundle.function(signature).signature();
      Graph graph = bundle.graph();
      Map<String, Output<?>> feeds = tensors(graph, stored.getInputs());
      Map<String, Output<?>> fetches = tensors(graph, stored.getOutputs());
      List<TensorSpec> inputs = specs(stored.getInputs());
      List<TensorSpec> outputs = specs(stored.getOutputs());
      StoredVariables.requireFinite(path, bundle.session(), fetches.values());
      return new Model(
          Engine.SAVEDMODEL,
          reason,
          LoadedGraphs.of(new LoadedGraph(bundle.session(), feeds, fetches, bundle::close)),
          inputs,
          outputs,
          Set.of(),
          options);
    } catch (IllegalArgumentException | IndexOutOfBoundsException e) {
      bundle.close();
      throw new KerasException(
          path
              + ": signature "
              + signature
              + " names what its graph does not have: "
              + e.getMessage(),
          e);
    } catch (RuntimeException | Error e) {
      bundle.close();
      throw e;
    }
  }

  private static Map<String, Output<?>> tensors(
      Graph graph, Map<String, Signature.TensorDescription> described) {
    Map<String, Output<?>> tensors = new LinkedHashMap<>();
    described.forEach(
        (name, tensor) -> {
          Output<?> output = graph.outputOrThrow(tensor.name);
          Objects.checkIndex(output.index(), output.op().numOutputs());
          tensors.put(name, output);
        });
    return tensors;
  }

  private static List<TensorSpec> specs(Map<String, Signature.TensorDescription> described) {
    List<TensorSpec> specs = new ArrayList<>();
    described.forEach(
        (name, tensor) ->
            specs.add(
                new TensorSpec(
                    name,
                    tensor.shape == null ? Shape.unknown() : tensor.shape,
                    type(tensor.dataType))));
    specs.sort(java.util.Comparator.comparing(TensorSpec::name));
    return specs;
  }

  /** TensorFlow Java has a class for these types alone. */
  private static Class<? extends TType> type(DataType type) {
    return switch (type) {
      case DT_FLOAT -> TFloat32.class;
      case DT_DOUBLE -> TFloat64.class;
      case DT_HALF -> TFloat16.class;
      case DT_BFLOAT16 -> TBfloat16.class;
      case DT_INT32 -> TInt32.class;
      case DT_INT64 -> TInt64.class;
      case DT_UINT16 -> TUint16.class;
      case DT_UINT8 -> TUint8.class;
      case DT_BOOL -> TBool.class;
      case DT_STRING -> TString.class;
      default ->
          throw new KerasException(
              "A signature of data type "
                  + type
                  + " is not supported; supported are DT_FLOAT, DT_DOUBLE, DT_HALF, DT_BFLOAT16,"
                  + " DT_INT32, DT_INT64, DT_UINT16, DT_UINT8, DT_BOOL, DT_STRING");
    };
  }
}
