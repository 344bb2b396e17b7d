package io.github.kpconvx.pointcloud.classification;

import io.github.kpconvx.inference.Model;
import io.github.kpconvx.pointcloud.PointCloud;
import io.github.kpconvx.pointcloud.PointCloudException;
import io.github.kpconvx.pointcloud.Preprocessing;
import io.github.kpconvx.pointcloud.ReceptiveField;
import io.github.kpconvx.pointcloud.ReceptiveFields;
import java.util.Arrays;
import java.util.function.LongConsumer;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;

/**
 * Runs a model over whole point clouds, receptive field by receptive field.
 *
 * <p>Immutable, and safe for many threads. The model is not closed with it.
 */
public final class CloudClassifier {
  private final Model model;
  private final Preprocessing preprocessing;

  /**
   * A classifier.
   *
   * @param model takes X, F and N, gives a value for each class
   * @param preprocessing how a cloud becomes the model's inputs, and what its outputs mean
   */
  public CloudClassifier(Model model, Preprocessing preprocessing) {
    this.model = model;
    this.preprocessing = preprocessing;
  }

  /**
   * Classifies a cloud.
   *
   * @param cloud at least one point
   * @return what the model says of each point
   * @throws PointCloudException if the cloud cannot be prepared, or the model gives other values
   *     than one for each class of each point
   * @throws io.github.kpconvx.inference.ModelException if the model has other inputs or outputs
   */
  public Classification classify(PointCloud cloud) {
    return classify(cloud, done -> {});
  }

  /**
   * Classifies a cloud and tells how far it has come.
   *
   * @param cloud at least one point
   * @param progress is told how many points are done, after each receptive field
   * @return what the model says of each point
   * @throws PointCloudException if the cloud cannot be prepared, or the model gives other values
   *     than one for each class of each point
   * @throws io.github.kpconvx.inference.ModelException if the model has other inputs or outputs
   */
  public Classification classify(PointCloud cloud, LongConsumer progress) {
    int classes = preprocessing.classes().size();
    if ((long) cloud.size() * classes > Integer.MAX_VALUE) {
      throw new PointCloudException(
          "%s: %d points of %d classes are too many for one array; split the file"
              .formatted(cloud.source(), cloud.size(), classes));
    }
    float[] probabilities = new float[cloud.size() * classes];
    long preparing = 0;
    long predicting = 0;
    long predicted = 0;
    long finished = 0;
    ReceptiveFields fields = ReceptiveFields.of(cloud, preprocessing);
    for (int i = 0; i < fields.size(); i++) {
      long start = System.nanoTime();
      ReceptiveField field = fields.get(i);
      long prepared = System.nanoTime();
      float[] result = predict(field, classes);
      predicting += System.nanoTime() - prepared;
      preparing += prepared - start;
      predicted += field.size();
      field.scatterCore(result, probabilities);
      finished += field.core().length;
      progress.accept(finished);
    }
    return new Classification(
        preprocessing.classes(),
        probabilities,
        predicted / (predicting / 1e9),
        cloud.size() / ((preparing + predicting) / 1e9));
  }

  private float[] predict(ReceptiveField field, int classes) {
    long r = field.size();
    try (TFloat32 x = TFloat32.tensorOf(Shape.of(1, r, 3), DataBuffers.of(field.x()));
        TFloat32 f =
            TFloat32.tensorOf(
                Shape.of(1, r, preprocessing.features().size()), DataBuffers.of(field.f()));
        TInt32 n =
            TInt32.tensorOf(Shape.of(1, r, preprocessing.neighbours()), DataBuffers.of(field.n()));
        TFloat32 y = model.predict(x, f, n)) {
      long[] expected = {1, r, classes};
      if (!Arrays.equals(y.shape().asArray(), expected)) {
        throw new PointCloudException(
            "The model gives %s for %d points, expected %s: a value for each of the %d classes of its preprocessing"
                .formatted(
                    Arrays.toString(y.shape().asArray()), r, Arrays.toString(expected), classes));
      }
      float[] result = new float[Math.toIntExact(r * classes)];
      y.copyTo(DataBuffers.of(result));
      return result;
    }
  }
}
