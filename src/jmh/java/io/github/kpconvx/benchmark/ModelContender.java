package io.github.kpconvx.benchmark;

import io.github.kpconvx.inference.BareSession;
import io.github.kpconvx.inference.Engine;
import io.github.kpconvx.inference.KPConvX;
import io.github.kpconvx.inference.Model;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.family.TNumber;

/** A form of inference, by the library's public interface. */
final class ModelContender implements Contender {
  private final NativeInputs inputs;
  private final Model model;
  private final TFloat32 x;
  private final TFloat32 f;
  private final TNumber n;

  ModelContender(Workload workload, Engine engine) {
    model = KPConvX.loader(workload.savedModel()).withEngine(engine).load();
    inputs = NativeInputs.of(workload);
    x = (TFloat32) inputs.tensors().get("X");
    f = (TFloat32) inputs.tensors().get("F");
    n = (TNumber) inputs.tensors().get("N");
  }

  @Override
  public Answer answer() {
    return new TensorAnswer(model.predict(x, f, n));
  }

  /**
   * The session that computes this one's answers, without the public interface around it.
   *
   * @return a contender; closing it closes this
   */
  Contender bareSession() {
    BareSession session = BareSession.of(model, inputs.tensors());
    return new Contender() {
      @Override
      public Answer answer() {
        return new TensorAnswer(session.run(inputs.tensors()));
      }

      @Override
      public void close() {
        ModelContender.this.close();
      }
    };
  }

  @Override
  public void close() {
    inputs.close();
    model.close();
  }
}
