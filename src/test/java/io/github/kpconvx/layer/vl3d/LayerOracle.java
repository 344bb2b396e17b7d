package io.github.kpconvx.layer.vl3d;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * What a {@link KPConvXLayer} has to compute, in double arithmetic and plain loops, with a bound on
 * how far rounding in float32 may lead away from it (a running error analysis).
 *
 * <p>Which of several equally near kernel points is taken, and which batch elements are dropped, is
 * chance: both are told.
 */
final class LayerOracle {
  /** Half the distance of 1 from the next float. */
  private static final double ROUNDING = 0x1p-24;

  /** How many such errors a function such as the exponential may make. */
  private static final double FUNCTION = 8;

  /**
   * From which slope on a normalization's rows are hardly different: they spread over a quarter of
   * what it makes of them, or less.
   */
  private static final double HARDLY_DIFFERENT = 4;

  private final LayerSetup setup;
  private final Map<String, double[]> weights;
  private final boolean training;
  private final Given given;
  private final Map<String, Values> stages = new LinkedHashMap<>();
  private final Map<String, Values> moved = new LinkedHashMap<>();
  private double nearestKink = Double.POSITIVE_INFINITY;
  private double amplification = 1;

  /** Numbers, and how far rounding may have carried each away. */
  @SuppressWarnings("ArrayRecordComponent") // Never compared.
  record Values(double[] value, double[] error) {
    static Values exact(double[] value) {
      return new Values(value, new double[value.length]);
    }

    private static Values exact(float[] value) {
      return exact(IntStream.range(0, value.length).mapToDouble(i -> value[i]).toArray());
    }

    private static Values ofSize(int size) {
      return new Values(new double[size], new double[size]);
    }

    private void set(int i, double newValue, double newError) {
      value[i] = newValue;
      error[i] = newError;
    }
  }

  /**
   * What is told.
   *
   * @param nearest the kernel point of each slot
   * @param dropped for each block, which batch elements lose their residual branch
   * @param stages stages by name that later ones are computed from, so that the errors of one do
   *     not add to those of the next; the oracle's own where there are none
   */
  @SuppressWarnings("ArrayRecordComponent") // Never compared.
  record Given(int[] nearest, boolean[][] dropped, Map<String, float[]> stages) {}

  private LayerOracle(
      LayerSetup setup, Map<String, double[]> weights, Given given, boolean training) {
    this.setup = setup;
    this.weights = weights;
    this.given = given;
    this.training = training;
  }

  /**
   * Checks for every slot that the kernel point taken is the nearest, the first of several equally
   * near.
   *
   * @param exact whether no distance was rounded
   * @return in how many slots rounding could decide
   */
  static int checkNearest(PointSet points, double[] q, int[] taken, boolean exact) {
    int ties = 0;
    for (int i = 0; i < taken.length; i++) {
      int row = i / points.slots();
      double[] y = difference(points, row, i % points.slots());
      double least = Double.POSITIVE_INFINITY;
      int first = -1;
      double[] lower = new double[q.length / 3];
      for (int k = 0; k < lower.length; k++) {
        double square = 0;
        double error = 0;
        for (int c = 0; c < 3; c++) {
          double away = y[c] - q[3 * k + c];
          double ofAway = exact ? 0 : ROUNDING * (Math.abs(y[c]) + Math.abs(away));
          square += away * away;
          error += 2 * Math.abs(away) * ofAway + ofAway * ofAway;
        }
        error += exact ? 0 : 4 * ROUNDING * square;
        lower[k] = square - error;
        if (square + error < least) {
          least = square + error;
          first = k;
        }
      }
      double bound = least;
      long candidates = Arrays.stream(lower).filter(square -> square <= bound).count();
      boolean right = exact ? taken[i] == first : lower[taken[i]] <= bound;
      if (!right) {
        throw new AssertionError(
            "slot %d of row %d: kernel point %d was taken, the nearest is %d"
                .formatted(i % points.slots(), row, taken[i], first));
      }
      ties += !exact && candidates > 1 ? 1 : 0;
    }
    return ties;
  }

  /** Computes every stage, by the layer's names for them, and the moving statistics. */
  static LayerOracle run(
      LayerSetup setup,
      Map<String, double[]> weights,
      PointSet points,
      double[] x,
      double[] f,
      Given given,
      boolean training) {
    LayerOracle oracle = new LayerOracle(setup, weights, given, training);
    oracle.forward(points, x, Values.exact(f));
    return oracle;
  }

  /** The layer's stages but k, by name, and {@code output}. */
  Map<String, Values> stages() {
    return stages;
  }

  /** The moving statistics after a training step, by name; those that stay as they are too. */
  Map<String, Values> moved() {
    return moved;
  }

  Values output() {
    return stages.get("output");
  }

  /**
   * How near a slot's influence is to where it has no derivative: at sigma, and at the kernel point
   * unless it lies exactly there. In units of sigma.
   */
  double nearestKink() {
    return nearestKink;
  }

  /**
   * How many times as large the gradients of single rows may become on their way back from the
   * output, through normalizations by the statistics of a batch whose rows hardly differ.
   */
  double amplification() {
    return amplification;
  }

  private void forward(PointSet points, double[] x, Values f) {
    Values h = stage("h", influence(points, x));
    Values features = f;
    int d = setup.features();
    int hidden = setup.hidden();
    for (int t = 0; t < setup.blocks(); t++) {
      String prefix = "block_" + t + "/";
      Values phi = perceptron(features, d, d, "Phi", "phi", "bn_phi", t);
      int modulations = setup.kernelPoints() * setup.columns();
      Values a = stage(prefix + "A", sigmoid(dense(phi, d, modulations, "Psi", "psi", t)));
      Values gathered = stage(prefix + "f", aggregate(points, t, h, a, features));
      Values u =
          stage(prefix + "u", perceptron(gathered, d, hidden, "Atilde", "btilde", "bn_htilde", t));
      Values v = stage(prefix + "v", perceptron(u, hidden, d, "Ahat", "bhat", "bn_hhat", t));
      features = stage(prefix + "F", residual(points, features, v, given.dropped()[t]));
    }
    stages.put("output", features);
  }

  /** Takes note of a stage, and gives what later ones are to be computed from. */
  private Values stage(String name, Values computed) {
    stages.put(name, computed);
    float[] told = given.stages().get(name);
    return told == null ? computed : Values.exact(told);
  }

  private static double[] difference(PointSet points, int row, int slot) {
    double[] y = new double[3];
    for (int c = 0; c < 3; c++) {
      y[c] = (double) points.x()[3 * points.neighbour(row, slot) + c] - points.x()[3 * row + c];
    }
    return y;
  }

  private Values influence(PointSet points, double[] x) {
    int[] nearest = given.nearest();
    double[] q = weights.get("Q");
    Values h = Values.ofSize(nearest.length);
    for (int i = 0; i < nearest.length; i++) {
      int row = i / points.slots();
      int neighbour = points.neighbour(row, i % points.slots());
      double square = 0;
      double error = 0;
      for (int c = 0; c < 3; c++) {
        double y = x[3 * neighbour + c] - x[3 * row + c];
        double away = y - q[3 * nearest[i] + c];
        square += away * away;
        error += ROUNDING * (Math.abs(y) + Math.abs(away));
      }
      double share = Math.sqrt(square) / setup.sigma();
      nearestKink = Math.min(nearestKink, Math.abs(1 - share));
      nearestKink = share == 0 ? nearestKink : Math.min(nearestKink, share);
      double ofShare = error / setup.sigma() + 5 * ROUNDING * (1 + share);
      h.set(i, Math.max(0, 1 - share), share > 1 + ofShare ? 0 : ofShare);
    }
    return h;
  }

  private Values perceptron(
      Values x, int in, int out, String kernel, String bias, String norm, int t) {
    return activate(normalize(dense(x, in, out, kernel, bias, t), out, norm, t), out);
  }

  private Values dense(Values x, int in, int out, String kernel, String bias, int t) {
    double[] w = weights.get(kernel);
    double[] b = weights.get(bias);
    int rows = x.value().length / in;
    Values y = Values.ofSize(rows * out);
    for (int i = 0; i < y.value().length; i++) {
      int row = i / out;
      int o = i % out;
      double sum = b[t * out + o];
      double size = Math.abs(sum);
      double error = 0;
      for (int c = 0; c < in; c++) {
        double weight = w[(t * in + c) * out + o];
        sum += x.value()[row * in + c] * weight;
        size += Math.abs(x.value()[row * in + c] * weight);
        error += x.error()[row * in + c] * Math.abs(weight);
      }
      y.set(i, sum, error + (in + 2) * ROUNDING * size);
    }
    return y;
  }

  private Values normalize(Values x, int channels, String place, int t) {
    LayerSetup.Norm norm = setup.norms(place).get(t);
    String prefix = place + "/" + t + "/";
    double[] gamma = norm.scale() ? weights.get(prefix + "gamma") : ones(channels);
    double[] beta = norm.center() ? weights.get(prefix + "beta") : new double[channels];
    Values mean = Values.exact(weights.get(prefix + "moving_mean"));
    Values variance = Values.exact(weights.get(prefix + "moving_variance"));
    boolean ofBatch = training && norm.trainable();
    if (ofBatch) {
      Values oldMean = mean;
      Values oldVariance = variance;
      mean = mean(x, channels);
      variance = variance(x, mean, channels);
      double steepest = 0;
      for (int c = 0; c < channels; c++) {
        double slope = Math.abs(gamma[c]) / Math.sqrt(variance.value()[c] + norm.epsilon());
        steepest = Math.max(steepest, slope);
      }
      amplification *= steepest < HARDLY_DIFFERENT ? 1 : steepest;
      moved.put(prefix + "moving_mean", blend(oldMean, mean, norm.momentum()));
      moved.put(prefix + "moving_variance", blend(oldVariance, variance, norm.momentum()));
    } else {
      moved.put(prefix + "moving_mean", mean);
      moved.put(prefix + "moving_variance", variance);
    }
    Values y = Values.ofSize(x.value().length);
    for (int i = 0; i < x.value().length; i++) {
      int c = i % channels;
      double of = variance.value()[c] + norm.epsilon();
      double factor = gamma[c] / Math.sqrt(of);
      double least = Math.max(variance.value()[c] - variance.error()[c], 0) + norm.epsilon();
      double ofFactor =
          Math.abs(gamma[c] / Math.sqrt(least) - factor) + FUNCTION * ROUNDING * Math.abs(factor);
      double m = mean.value()[c];
      double centred = x.value()[i] - m;
      double error =
          Math.abs(centred) * ofFactor
              + (Math.abs(factor) + ofFactor) * (x.error()[i] + mean.error()[c])
              // The layer multiplies both x and the mean by the factor, then takes the difference.
              + 4 * ROUNDING * Math.abs(factor) * (Math.abs(x.value()[i]) + Math.abs(m))
              + 4 * ROUNDING * Math.abs(beta[c]);
      y.set(i, centred * factor + beta[c], error);
    }
    return y;
  }

  private static double[] ones(int size) {
    double[] ones = new double[size];
    Arrays.fill(ones, 1);
    return ones;
  }

  private static Values mean(Values x, int channels) {
    int rows = x.value().length / channels;
    Values mean = Values.ofSize(channels);
    for (int c = 0; c < channels; c++) {
      double sum = 0;
      double size = 0;
      double error = 0;
      for (int i = c; i < x.value().length; i += channels) {
        sum += x.value()[i];
        size += Math.abs(x.value()[i]);
        error += x.error()[i];
      }
      mean.set(c, sum / rows, (error + (rows + 1) * ROUNDING * size) / rows);
    }
    return mean;
  }

  /** The biased variance. */
  private static Values variance(Values x, Values mean, int channels) {
    int rows = x.value().length / channels;
    Values variance = Values.ofSize(channels);
    for (int c = 0; c < channels; c++) {
      double sum = 0;
      double error = 0;
      for (int i = c; i < x.value().length; i += channels) {
        double away = x.value()[i] - mean.value()[c];
        double ofAway = x.error()[i] + mean.error()[c] + ROUNDING * Math.abs(away);
        sum += away * away;
        error += 2 * Math.abs(away) * ofAway + ofAway * ofAway;
      }
      variance.set(c, sum / rows, (error + (rows + 2) * ROUNDING * sum) / rows);
    }
    return variance;
  }

  private static Values blend(Values old, Values batch, double momentum) {
    Values next = Values.ofSize(old.value().length);
    for (int c = 0; c < next.value().length; c++) {
      double kept = old.value()[c] * momentum;
      double added = batch.value()[c] * (1 - momentum);
      next.set(
          c,
          kept + added,
          batch.error()[c] * (1 - momentum) + 4 * ROUNDING * (Math.abs(kept) + Math.abs(added)));
    }
    return next;
  }

  private Values activate(Values x, int channels) {
    Values y = Values.ofSize(x.value().length);
    for (int row = 0; row < x.value().length / channels; row++) {
      int from = row * channels;
      double[] of = setup.activation().of(Arrays.copyOfRange(x.value(), from, from + channels));
      double largest = Arrays.stream(x.error(), from, from + channels).max().orElse(0);
      for (int c = 0; c < channels; c++) {
        double error = setup.activation().isElementwise() ? x.error()[from + c] : largest;
        y.set(
            from + c,
            of[c],
            setup.activation().steepness() * error + FUNCTION * ROUNDING * (1 + Math.abs(of[c])));
      }
    }
    return y;
  }

  private static Values sigmoid(Values x) {
    Values y = Values.ofSize(x.value().length);
    for (int i = 0; i < y.value().length; i++) {
      y.set(i, 1 / (1 + Math.exp(-x.value()[i])), x.error()[i] / 4 + FUNCTION * ROUNDING);
    }
    return y;
  }

  private Values aggregate(PointSet points, int t, Values h, Values a, Values f) {
    int[] nearest = given.nearest();
    double[] w = weights.get("W");
    int d = setup.features();
    int kernelPoints = setup.kernelPoints();
    int columns = setup.columns();
    Values sum = Values.ofSize(points.rows() * d);
    for (int i = 0; i < sum.value().length; i++) {
      int row = i / d;
      int c = i % d;
      double value = 0;
      double size = 0;
      double error = 0;
      for (int slot = 0; slot < points.slots(); slot++) {
        int j = row * points.slots() + slot;
        int k = nearest[j];
        int ofA = (row * kernelPoints + k) * columns + c / setup.groups();
        int ofF = points.neighbour(row, slot) * d + c;
        double weight = Math.abs(w[(t * kernelPoints + k) * d + c]);
        double hj = Math.abs(h.value()[j]);
        double aj = Math.abs(a.value()[ofA]);
        double fj = Math.abs(f.value()[ofF]);
        double product = hj * aj * weight * fj;
        value += h.value()[j] * a.value()[ofA] * w[(t * kernelPoints + k) * d + c] * f.value()[ofF];
        size += product;
        error +=
            (hj + h.error()[j]) * (aj + a.error()[ofA]) * weight * (fj + f.error()[ofF]) - product;
      }
      sum.set(i, value, error + (points.slots() + 4) * ROUNDING * (size + error));
    }
    return sum;
  }

  private Values residual(PointSet points, Values f, Values v, boolean[] dropped) {
    Values sum = Values.ofSize(f.value().length);
    for (int i = 0; i < sum.value().length; i++) {
      int element = i / (points.points() * setup.features());
      double scale = dropped[element] ? 0 : training ? 1 / (1 - setup.dropPath()) : 1;
      double added = v.value()[i] * scale;
      sum.set(
          i,
          f.value()[i] + added,
          f.error()[i]
              + v.error()[i] * scale
              + 4 * ROUNDING * (Math.abs(f.value()[i]) + Math.abs(added)));
    }
    return sum;
  }
}
