package io.github.kpconvx.pointcloud.classification;

import io.github.kpconvx.inference.Model;
import io.github.kpconvx.numpy.NpyArray;
import io.github.kpconvx.pointcloud.PointCloud;
import io.github.kpconvx.pointcloud.PointCloudException;
import io.github.kpconvx.pointcloud.receptive.Preprocessing;
import io.github.kpconvx.pointcloud.receptive.ReceptiveField;
import io.github.kpconvx.pointcloud.receptive.ReceptiveFields;
import io.github.kpconvx.pointcloud.receptive.Scores;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongConsumer;

/**
 * Runs a model over whole point clouds, receptive field by receptive field: memory is needed for
 * the cloud and the fields of one call, not for all of them.
 *
 * <p>Immutable, and safe for many threads. The model is not closed with it.
 */
public final class CloudClassifier {
  /** Fields of one size that are answered together. */
  private static final int BATCH = 16;

  private final Model model;
  private final Preprocessing preprocessing;

  /**
   * A classifier.
   *
   * @param model takes what the preprocessing makes, gives a value for each class
   * @param preprocessing how a cloud becomes the model's inputs, and what its outputs mean
   * @throws PointCloudException if the model takes an input that the preprocessing does not make,
   *     or has several outputs
   */
  public CloudClassifier(Model model, Preprocessing preprocessing) {
    this.model = model;
    this.preprocessing = preprocessing;
    List<String> made = preprocessing.inputs();
    if (!made.containsAll(model.inputs().keySet())) {
      throw new PointCloudException(
          "The model takes %s, but its preprocessing makes %s"
              .formatted(model.inputs().keySet(), made));
    }
    if (model.outputs().size() != 1) {
      throw new PointCloudException(
          "The model gives %s, expected one output: a value for each class of each point"
              .formatted(model.outputs().keySet()));
    }
  }

  /**
   * Classifies a cloud.
   *
   * @param cloud at least one point
   * @return what the model says of each point
   * @throws PointCloudException if the cloud cannot be prepared, or the model gives other values
   *     than one for each class of each point
   * @throws io.github.kpconvx.inference.ModelException if the model's inputs have other shapes
   */
  public Classification classify(PointCloud cloud) {
    return classify(cloud, done -> {});
  }

  /**
   * Classifies a cloud and tells how far it has come.
   *
   * @param cloud at least one point
   * @param progress is told how many points are done, after each call of the model; of fields that
   *     overlap as many as were answered, at most all
   * @return what the model says of each point
   * @throws PointCloudException if the cloud cannot be prepared, or the model gives other values
   *     than one for each class of each point
   * @throws io.github.kpconvx.inference.ModelException if the model's inputs have other shapes
   */
  public Classification classify(PointCloud cloud, LongConsumer progress) {
    return new Run(cloud, progress).classify();
  }

  /** One cloud's way through the model. */
  private final class Run {
    private final PointCloud cloud;
    private final LongConsumer progress;
    private final int classes = preprocessing.classes().size();
    private final Scores scores;
    private final ReceptiveFields fields;
    private long preparing;
    private long predicting;
    private long predicted;
    private int done;
    private long finished;

    Run(PointCloud cloud, LongConsumer progress) {
      this.cloud = cloud;
      this.progress = progress;
      long start = System.nanoTime();
      scores = new Scores(preprocessing.reduction(), cloud.size(), classes);
      fields = ReceptiveFields.of(cloud, preprocessing);
      preparing = System.nanoTime() - start;
    }

    Classification classify() {
      int together = preprocessing.hierarchy().isFixed() ? BATCH : 1;
      List<ReceptiveField> batch = new ArrayList<>();
      for (int i = 0; i < fields.size(); i++) {
        long start = System.nanoTime();
        batch.add(fields.get(i));
        preparing += System.nanoTime() - start;
        if (batch.size() == together || i == fields.size() - 1) {
          answer(batch);
          batch.clear();
        }
      }
      return new Classification(
          preprocessing.classes(),
          scores.result(),
          scores.missing(),
          predicted / (predicting / 1e9),
          cloud.size() / ((preparing + predicting) / 1e9));
    }

    private void answer(List<ReceptiveField> batch) {
      long start = System.nanoTime();
      List<NpyArray> answers = predict(batch).unstack();
      predicting += System.nanoTime() - start;
      for (int i = 0; i < batch.size(); i++) {
        ReceptiveField field = batch.get(i);
        predicted += field.size();
        scores.add(field, answers.get(i).toFloats());
        finished += field.core().length;
      }
      done += batch.size();
      progress.accept(done == fields.size() ? cloud.size() : Math.min(finished, cloud.size()));
    }

    private NpyArray predict(List<ReceptiveField> batch) {
      Map<String, NpyArray> inputs = new LinkedHashMap<>();
      for (String name : model.inputs().keySet()) {
        inputs.put(
            name, NpyArray.stack(batch.stream().map(field -> field.inputs().get(name)).toList()));
      }
      String output = model.outputs().keySet().iterator().next();
      NpyArray answer = model.predictArrays(inputs, List.of(output)).get(output);
      long[] expected = {batch.size(), batch.get(0).size(), classes};
      if (!Arrays.equals(answer.shape(), expected) || answer.type() != NpyArray.Type.FLOAT32) {
        throw new PointCloudException(
            "The model gives %s for %d points, expected %s: a value for each of the %d classes of its preprocessing"
                .formatted(answer, expected[1], Arrays.toString(expected), classes));
      }
      return answer;
    }
  }
}
