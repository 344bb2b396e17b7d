package io.github.kpconvx.inference;

import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.tensor.Tensors;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.tensorflow.GraphOperation;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.Tensor;
import org.tensorflow.proto.DataType;

/** The variables of a stored graph, which TensorFlow's loader restores whatever they hold. */
final class StoredVariables {
  private StoredVariables() {}

  /**
   * Refuses variables that are no numbers, as the native engine refuses such weights: their answers
   * would be none either, without a word.
   *
   * @param path the SavedModel, for messages
   * @param session the session that has restored them
   * @param answers what is computed from them
   * @throws KerasException if a float32 variable holds NaN or an infinity; names it and the place
   */
  static void requireFinite(Path path, Session session, Collection<Output<?>> answers) {
    List<Output<?>> reads = reads(session, answers);
    if (reads.isEmpty()) {
      return;
    }
    Session.Runner runner = session.runner();
    reads.forEach(runner::fetch);
    try (Result values = runner.run()) {
      for (int i = 0; i < reads.size(); i++) {
        requireFinite(path, (GraphOperation) reads.get(i).op(), values.get(i));
      }
    }
  }

  /** What reads each float32 variable that the answers depend on. */
  private static List<Output<?>> reads(Session session, Collection<Output<?>> answers) {
    Set<Operand<?>> ends = new LinkedHashSet<>(answers);
    List<Output<?>> reads = new ArrayList<>();
    for (GraphOperation variable : session.graph().subgraphTo(ends)) {
      if (variable.type().equals("VarHandleOp")
          && variable.attributes().getAttrType("dtype") == DataType.DT_FLOAT) {
        variable.consumers(0).stream()
            .filter(user -> user.type().equals("ReadVariableOp"))
            .findFirst()
            .ifPresent(read -> reads.add(read.output(0)));
      }
    }
    return reads;
  }

  private static void requireFinite(Path path, GraphOperation read, Tensor value) {
    if (value.numBytes() > Integer.MAX_VALUE) {
      return;
    }
    FloatBuffer numbers = Tensors.memory(value).asFloatBuffer();
    for (int i = 0; i < numbers.capacity(); i++) {
      if (!Float.isFinite(numbers.get(i))) {
        throw new KerasException(
            "%s: variable %s holds %s at place %d of %d, expected finite numbers; its training failed or the file is damaged"
                .formatted(path, read.input(0).op().name(), numbers.get(i), i, numbers.capacity()));
      }
    }
  }
}
