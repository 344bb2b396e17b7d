package io.github.kpconvx.inference;

import io.github.kpconvx.keras.savedmodel.Assets;

/**
 * What a converted model is without, of what the model was with.
 *
 * @param optimizer whether the configuration tells of an optimizer whose state is not written
 * @param assets the files that stood beside the model and that the target cannot hold
 */
public record Conversion(boolean optimizer, Assets assets) {}
