package io.github.kpconvx.benchmark;

import java.util.Map;
import java.util.stream.Collectors;
import org.tensorflow.SavedModelBundle;
import org.tensorflow.Session;
import org.tensorflow.Tensor;
import org.tensorflow.proto.SignatureDef;
import org.tensorflow.types.TFloat32;

/** The stored signature, run by TensorFlow Java as it is. */
final class SavedModelContender implements Contender {
  private final SavedModelBundle bundle;
  private final NativeInputs inputs;
  private final Map<String, Tensor> feeds;
  private final String fetch;

  SavedModelContender(Workload workload) {
    bundle = SavedModelBundle.load(workload.savedModel().toString(), "serve");
    SignatureDef signature = bundle.metaGraphDef().getSignatureDefOrThrow("serving_default");
    inputs = NativeInputs.of(workload);
    feeds =
        inputs.tensors().entrySet().stream()
            .collect(
                Collectors.toMap(
                    input -> signature.getInputsOrThrow(input.getKey()).getName(),
                    Map.Entry::getValue));
    fetch = signature.getOutputsOrThrow(Workload.OUTPUT).getName();
  }

  @Override
  public Answer answer() {
    Session.Runner runner = bundle.session().runner();
    feeds.forEach(runner::feed);
    return new TensorAnswer((TFloat32) runner.fetch(fetch).run().get(0));
  }

  @Override
  public void close() {
    inputs.close();
    bundle.close();
  }
}
