package io.github.kpconvx.keras.savedmodel;

import io.github.kpconvx.dtype.DType;
import io.github.kpconvx.keras.weights.StoredWeight;
import io.github.kpconvx.keras.weights.WeightAlignment;
import java.nio.file.Path;
import java.util.Optional;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.types.family.TType;

/**
 * The variables of a SavedModel with their values, which are read from its checkpoint as they are
 * asked for. Safe for use by one thread at a time.
 */
final class SavedModelVariables implements AutoCloseable {
  private final Path source;
  private final Path prefix;
  private Checkpoint checkpoint;
  private boolean closed;

  private SavedModelVariables(Path source, Path prefix) {
    this.source = source;
    this.prefix = prefix;
  }

  /**
   * The variables of a SavedModel.
   *
   * @param directory its directory
   */
  static SavedModelVariables ofSavedModel(Path directory) {
    return new SavedModelVariables(directory, directory.resolve(Checkpoint.PREFIX));
  }

  /**
   * The variables of a checkpoint by itself.
   *
   * @param prefix what the names of its files begin with
   */
  static SavedModelVariables ofCheckpoint(Path prefix) {
    return new SavedModelVariables(prefix, prefix);
  }

  /** What names them in errors. */
  Path source() {
    return source;
  }

  /** A variable with its value. */
  StoredVariable stored(SavedVariables.Variable variable) {
    return new StoredVariable(variable, this);
  }

  private TType read(StoredVariable stored) {
    SavedVariables.Variable variable = stored.variable();
    DType type = WeightAlignment.type(source.toString(), stored);
    if (closed) {
      throw new IllegalStateException(source + " is closed");
    }
    if (checkpoint == null) {
      checkpoint = new Checkpoint(prefix);
    }
    return checkpoint.read(variable.path(), type, variable.shape());
  }

  @Override
  public void close() {
    closed = true;
    if (checkpoint != null) {
      checkpoint.close();
      checkpoint = null;
    }
  }

  /**
   * A variable and its value in the checkpoint.
   *
   * @param variable what the SavedModel declares
   * @param values where the value is
   */
  record StoredVariable(SavedVariables.Variable variable, SavedModelVariables values)
      implements StoredWeight {
    @Override
    public String path() {
      return variable.path();
    }

    @Override
    public String name() {
      return variable.name();
    }

    @Override
    public Shape shape() {
      return variable.shape();
    }

    @Override
    public String dtype() {
      return variable.dtype();
    }

    @Override
    public Optional<Boolean> trainable() {
      return Optional.of(variable.trainable());
    }

    @Override
    public boolean isUntracked() {
      return variable.path().startsWith(SavedVariables.ALL + "/");
    }

    @Override
    public TType read() {
      return values.read(this);
    }
  }
}
