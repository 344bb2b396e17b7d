package io.github.kpconvx.cli;

import io.github.kpconvx.inference.Model;
import io.github.kpconvx.pointcloud.PointCloud;
import io.github.kpconvx.pointcloud.Preprocessing;
import io.github.kpconvx.pointcloud.ReceptiveField;
import io.github.kpconvx.pointcloud.ReceptiveFields;
import java.util.function.LongConsumer;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;

/** Runs a model over a whole cloud, receptive field by receptive field, and keeps the time. */
final class CloudClassifier {
  private final Preprocessing preprocessing;
  private float[] probabilities = {};
  private int points;
  private long preparing;
  private long predicting;
  private long predicted;

  CloudClassifier(Preprocessing preprocessing) {
    this.preprocessing = preprocessing;
  }

  /**
   * Runs the model.
   *
   * @param model takes X, F and N, gives a value for each class
   * @param cloud the cloud
   * @param done is told how many points are done
   * @return this
   */
  CloudClassifier run(Model model, PointCloud cloud, LongConsumer done) {
    int classes = preprocessing.classes().size();
    int channels = preprocessing.features().size();
    int slots = preprocessing.neighbours();
    points = cloud.size();
    probabilities = new float[points * classes];
    long finished = 0;
    ReceptiveFields fields = ReceptiveFields.of(cloud, preprocessing);
    for (int i = 0; i < fields.size(); i++) {
      long start = System.nanoTime();
      ReceptiveField field = fields.get(i);
      long prepared = System.nanoTime();
      long r = field.size();
      float[] result = new float[Math.toIntExact(r * classes)];
      try (TFloat32 x = TFloat32.tensorOf(Shape.of(1, r, 3), DataBuffers.of(field.x()));
          TFloat32 f = TFloat32.tensorOf(Shape.of(1, r, channels), DataBuffers.of(field.f()));
          TInt32 n = TInt32.tensorOf(Shape.of(1, r, slots), DataBuffers.of(field.n()));
          TFloat32 y = model.predict(x, f, n)) {
        y.copyTo(DataBuffers.of(result));
      }
      predicting += System.nanoTime() - prepared;
      preparing += prepared - start;
      predicted += r;
      field.scatterCore(result, probabilities);
      finished += field.core().length;
      done.accept(finished);
    }
    return this;
  }

  /** Values (points, classes), row-major. */
  float[] probabilities() {
    return probabilities;
  }

  /** The most probable class of each point. */
  int[] classes() {
    return mostProbable(probabilities, preprocessing.classes().size());
  }

  static int[] mostProbable(float[] probabilities, int classes) {
    int[] best = new int[probabilities.length / classes];
    for (int i = 0; i < best.length; i++) {
      for (int c = 1; c < classes; c++) {
        if (probabilities[i * classes + c] > probabilities[i * classes + best[i]]) {
          best[i] = c;
        }
      }
    }
    return best;
  }

  /**
   * Points per second of the model alone; those in the margins of the receptive fields count, as
   * they are computed.
   */
  double modelPointsPerSecond() {
    return predicted / (predicting / 1e9);
  }

  /** Points of the cloud per second, neighbour search and all. */
  double pointsPerSecond() {
    return points / ((preparing + predicting) / 1e9);
  }
}
