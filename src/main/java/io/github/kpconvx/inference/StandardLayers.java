package io.github.kpconvx.inference;

import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.layer.core.ActivationLayer;
import io.github.kpconvx.layer.core.ActivityRegularization;
import io.github.kpconvx.layer.core.Attention;
import io.github.kpconvx.layer.core.BatchNormalization;
import io.github.kpconvx.layer.core.Border;
import io.github.kpconvx.layer.core.Concatenate;
import io.github.kpconvx.layer.core.Convolution;
import io.github.kpconvx.layer.core.Dense;
import io.github.kpconvx.layer.core.DepthwiseConvolution;
import io.github.kpconvx.layer.core.Dot;
import io.github.kpconvx.layer.core.Dropout;
import io.github.kpconvx.layer.core.EinsumDense;
import io.github.kpconvx.layer.core.Embedding;
import io.github.kpconvx.layer.core.Flatten;
import io.github.kpconvx.layer.core.GaussianNoise;
import io.github.kpconvx.layer.core.GlobalPooling;
import io.github.kpconvx.layer.core.GroupNormalization;
import io.github.kpconvx.layer.core.LayerNormalization;
import io.github.kpconvx.layer.core.Masking;
import io.github.kpconvx.layer.core.Merge;
import io.github.kpconvx.layer.core.MultiHeadAttention;
import io.github.kpconvx.layer.core.Normalization;
import io.github.kpconvx.layer.core.PReLU;
import io.github.kpconvx.layer.core.Permute;
import io.github.kpconvx.layer.core.Pooling;
import io.github.kpconvx.layer.core.RMSNormalization;
import io.github.kpconvx.layer.core.RepeatVector;
import io.github.kpconvx.layer.core.Rescaling;
import io.github.kpconvx.layer.core.Reshape;
import io.github.kpconvx.layer.core.Softmax;
import io.github.kpconvx.layer.core.TransposedConvolution;
import io.github.kpconvx.layer.core.UnitNormalization;
import io.github.kpconvx.layer.core.UpSampling;
import io.github.kpconvx.layer.operation.Operations;
import io.github.kpconvx.layer.vl3d.FeaturesResamplingLayer;
import io.github.kpconvx.layer.vl3d.FeaturesStructuringLayer;
import io.github.kpconvx.layer.vl3d.GaussianFilter;
import io.github.kpconvx.layer.vl3d.GroupingPointNetLayer;
import io.github.kpconvx.layer.vl3d.HourglassLayer;
import io.github.kpconvx.layer.vl3d.KPConvLayer;
import io.github.kpconvx.layer.vl3d.KPConvXLayer;
import io.github.kpconvx.layer.vl3d.LightKPConvLayer;
import io.github.kpconvx.layer.vl3d.RBFFeatExtractLayer;
import io.github.kpconvx.layer.vl3d.RBFFeatProcessingLayer;
import io.github.kpconvx.network.LayerFactory;
import io.github.kpconvx.network.LayerRegistry;
import java.util.function.Function;

/**
 * The layers that are known: Keras's own that are supported, VL3D's, and those whose {@linkplain
 * LayerFactory factories} the calling thread's class loader finds as services.
 */
public final class StandardLayers {
  private static final LayerRegistry REGISTRY = make();

  private StandardLayers() {}

  private static LayerRegistry make() {
    LayerRegistry registry =
        LayerRegistry.empty()
            .withBuiltIn("Dense", Dense::new)
            .withBuiltIn(BatchNormalization.CLASS_NAME, BatchNormalization::new)
            .withBuiltIn("PReLU", PReLU::new)
            .withBuiltIn("Concatenate", Concatenate::new)
            .withBuiltIn("Reshape", Reshape::new)
            .withBuiltIn("Dot", Dot::new)
            .withOperations(Operations.names(), Operations::create)
            .with(KPConvXLayer.CLASS_NAME, KPConvXLayer::new)
            .with(KPConvLayer.CLASS_NAME, KPConvLayer::of)
            .with(KPConvLayer.STRIDED_CLASS_NAME, KPConvLayer::strided)
            .with(LightKPConvLayer.CLASS_NAME, LightKPConvLayer::of)
            .with(LightKPConvLayer.STRIDED_CLASS_NAME, LightKPConvLayer::strided)
            .with(HourglassLayer.CLASS_NAME, HourglassLayer::new)
            .with(GroupingPointNetLayer.CLASS_NAME, GroupingPointNetLayer::new)
            .with(FeaturesStructuringLayer.CLASS_NAME, FeaturesStructuringLayer::new)
            .with(RBFFeatExtractLayer.CLASS_NAME, RBFFeatExtractLayer::new)
            .with(RBFFeatProcessingLayer.CLASS_NAME, RBFFeatProcessingLayer::new);
    for (String name : ActivationLayer.CLASS_NAMES) {
      registry = registry.withBuiltIn(name, ActivationLayer::new);
    }
    return withFilter(
        withAttention(withNormalizations(withConvolutions(registry))), GaussianFilter.UNKNOWN);
  }

  private static LayerRegistry withNormalizations(LayerRegistry given) {
    LayerRegistry registry =
        given
            .withBuiltIn("ActivityRegularization", ActivityRegularization::new)
            .withBuiltIn("Embedding", Embedding::new)
            .withBuiltIn("GroupNormalization", GroupNormalization::new)
            .withBuiltIn("LayerNormalization", LayerNormalization::new)
            .withBuiltIn("Normalization", Normalization::new)
            .withBuiltIn("RMSNormalization", RMSNormalization::new)
            .withBuiltIn("Rescaling", Rescaling::new)
            .withBuiltIn("UnitNormalization", UnitNormalization::new);
    for (String name : Dropout.CLASS_NAMES) {
      registry = registry.withBuiltIn(name, Dropout::new);
    }
    for (String name : GaussianNoise.CLASS_NAMES) {
      registry = registry.withBuiltIn(name, GaussianNoise::new);
    }
    for (String name : Merge.CLASS_NAMES) {
      registry = registry.withBuiltIn(name, Merge::new);
    }
    return registry;
  }

  /** Convolution, pooling and what reshapes their inputs; files never have Keras's other names. */
  private static LayerRegistry withConvolutions(LayerRegistry registry) {
    LayerRegistry all =
        registry
            .withBuiltIn("Conv1D", Convolution::of1D)
            .withBuiltIn("Conv2D", Convolution::of2D)
            .withBuiltIn("Flatten", Flatten::new)
            .withBuiltIn("Permute", Permute::new)
            .withBuiltIn("RepeatVector", RepeatVector::new);
    for (int d = 1; d <= 2; d++) {
      int dimensions = d;
      String size = d + "D";
      all =
          all.withBuiltIn(
                  "DepthwiseConv" + size, object -> DepthwiseConvolution.of(object, dimensions))
              .withBuiltIn(
                  "SeparableConv" + size,
                  object -> DepthwiseConvolution.separable(object, dimensions))
              .withBuiltIn(
                  "Conv" + size + "Transpose",
                  object -> new TransposedConvolution(object, dimensions))
              .withBuiltIn("ZeroPadding" + size, object -> Border.zeros(object, dimensions))
              .withBuiltIn("Cropping" + size, object -> Border.cropping(object, dimensions))
              .withBuiltIn("UpSampling" + size, object -> new UpSampling(object, dimensions))
              .withBuiltIn("MaxPooling" + size, object -> Pooling.max(object, dimensions))
              .withBuiltIn("AveragePooling" + size, object -> Pooling.average(object, dimensions))
              .withBuiltIn(
                  "GlobalMaxPooling" + size, object -> GlobalPooling.max(object, dimensions))
              .withBuiltIn(
                  "GlobalAveragePooling" + size,
                  object -> GlobalPooling.average(object, dimensions));
    }
    return all;
  }

  private static LayerRegistry withAttention(LayerRegistry registry) {
    return registry
        .withBuiltIn("Attention", Attention::new)
        .withBuiltIn(Attention.ADDITIVE, Attention::new)
        .withBuiltIn("EinsumDense", EinsumDense::new)
        .withBuiltIn("Masking", Masking::new)
        .withBuiltIn("Softmax", Softmax::new)
        .withBuiltIn("MultiHeadAttention", MultiHeadAttention::new)
        .withBuiltIn(MultiHeadAttention.GROUPED, MultiHeadAttention::new);
  }

  private static LayerRegistry withFilter(LayerRegistry registry, GaussianFilter gaussian) {
    return withFilters(registry, layer -> gaussian);
  }

  /** The same layers, where something tells of each by name what its filter "gaussian" means. */
  static LayerRegistry withFilters(
      LayerRegistry registry, Function<String, GaussianFilter> meaning) {
    LayerFactory resampling =
        object ->
            new FeaturesResamplingLayer(
                object,
                FeaturesResamplingLayer.isGaussian(object)
                    ? meaning.apply(object.config().text("name", ""))
                    : GaussianFilter.UNKNOWN);
    return registry
        .with(FeaturesResamplingLayer.DOWNSAMPLING_CLASS_NAME, resampling)
        .with(FeaturesResamplingLayer.UPSAMPLING_CLASS_NAME, resampling);
  }

  /**
   * All of them; the filter "gaussian" of VL3D's resampling layers is an error, as it may mean two
   * things.
   *
   * @return the registry
   * @throws KerasException if a factory that is found as a service cannot be used
   */
  public static LayerRegistry registry() {
    return withProviders(REGISTRY);
  }

  /**
   * All of them, where it is known what the filter "gaussian" means.
   *
   * @param gaussian what it means
   * @return the registry
   * @throws KerasException if a factory that is found as a service cannot be used
   */
  public static LayerRegistry registry(GaussianFilter gaussian) {
    return withProviders(withFilter(REGISTRY, gaussian));
  }

  /** All of them, where something tells of each by name what its filter "gaussian" means. */
  static LayerRegistry registry(Function<String, GaussianFilter> meaning) {
    return withProviders(withFilters(REGISTRY, meaning));
  }

  private static LayerRegistry withProviders(LayerRegistry registry) {
    return registry.withProviders(Thread.currentThread().getContextClassLoader());
  }
}
