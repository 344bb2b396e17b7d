package io.github.kpconvx.keras.config;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.LinkedHashSet;
import java.util.Set;

/**
 * The losses that a model was compiled with. Keras writes a function in Python by its name alone,
 * and a class by its name and settings: what is not Keras's own cannot be made of them.
 */
public final class CompiledLosses {
  /** Keras's own, by all their names from Keras 2.12 to 3.15. */
  private static final Set<String> OF_KERAS =
      Set.of(
          ("BCE BinaryCrossentropy BinaryFocalCrossentropy CTC CategoricalCrossentropy"
                  + " CategoricalFocalCrossentropy CategoricalHinge Circle CosineSimilarity Dice"
                  + " Hinge Huber KLD KLDivergence LogCosh MAE MAPE MSE MSLE MeanAbsoluteError"
                  + " MeanAbsolutePercentageError MeanSquaredError MeanSquaredLogarithmicError"
                  + " Poisson SparseCategoricalCrossentropy SquaredHinge Tversky bce"
                  + " binary_crossentropy binary_focal_crossentropy categorical_crossentropy"
                  + " categorical_focal_crossentropy categorical_generalized_cross_entropy"
                  + " categorical_hinge circle cosine_similarity ctc dice hinge huber huber_loss"
                  + " kl_divergence kld kullback_leibler_divergence log_cosh logcosh mae mape"
                  + " mean_absolute_error mean_absolute_percentage_error mean_squared_error"
                  + " mean_squared_logarithmic_error mse msle poisson"
                  + " sparse_categorical_crossentropy squared_hinge tversky"
                  + " CategoricalGeneralizedCrossEntropy")
              .split(" "));

  private CompiledLosses() {}

  /**
   * The losses that are none of Keras's own.
   *
   * @param compiled what a model was compiled with, as Keras writes it: its {@code loss} is one
   *     loss, a list, or an object with one for each output
   * @return their names in the order in which they are written
   */
  public static Set<String> unknown(JsonNode compiled) {
    Set<String> names = new LinkedHashSet<>();
    add(names, compiled.path("loss"));
    return names;
  }

  private static void add(Set<String> names, JsonNode loss) {
    JsonNode className = loss.path("class_name");
    if (className.isTextual()) {
      // A function's name stands where a class has its settings.
      JsonNode config = loss.path("config");
      addName(names, config.isTextual() ? config : className, isOfKeras(loss.path("module")));
    } else if (loss.isTextual()) {
      addName(names, loss, true);
    } else {
      loss.forEach(each -> add(names, each));
    }
  }

  private static void addName(Set<String> names, JsonNode name, boolean ofKeras) {
    if (!ofKeras || !OF_KERAS.contains(name.textValue())) {
      names.add(name.textValue());
    }
  }

  /** A class registered outside of Keras has no module in Keras 3; Keras 2 writes none at all. */
  private static boolean isOfKeras(JsonNode module) {
    return module.isMissingNode() || Json.text(module).matches("(tf_)?keras\\b.*|builtins");
  }
}
