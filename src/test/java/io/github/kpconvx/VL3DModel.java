package io.github.kpconvx;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.kpconvx.inference.KPConvX;
import io.github.kpconvx.inference.StandardLayers;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.layer.KernelPoints;
import io.github.kpconvx.layer.vl3d.GaussianFilter;
import io.github.kpconvx.network.LayerRegistry;
import io.github.kpconvx.numpy.NpyArray;
import io.github.kpconvx.numpy.NpzFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * A file of a case of VL3D's layers, with what the file does not hold but its folder, as the README
 * there tells.
 *
 * @param file the model, or its weights
 */
public record VL3DModel(Path file) {
  private static final Path ALL = Path.of("src/test/resources/vl3d");

  /** What VL3D's own code made. */
  public static final Path ORIGINAL = ALL.resolve("original");

  /** The same, of fewer cases and versions. */
  public static final Path RECORDED = ALL.resolve("recorded");

  /** What the reference layers in Python made. */
  public static final Path MADE = ALL.resolve("made");

  /** Every file of every case that holds a model or its weights. */
  public static Stream<VL3DModel> all() {
    return Stream.of(ORIGINAL, RECORDED, MADE)
        .flatMap(Fixtures::directories)
        .flatMap(directory -> Fixtures.files(directory).stream())
        .filter(file -> file.toString().matches(".*(\\.keras|\\.h5|saved_model-[\\d.]+)"))
        .map(VL3DModel::new);
  }

  /** The folder of its case. */
  public Path folder() {
    return file.getParent();
  }

  /** The name of its case. */
  public String name() {
    return folder().getFileName().toString();
  }

  /** What the filter "gaussian" means in it. */
  public GaussianFilter gaussian() {
    boolean falls =
        folder().startsWith(MADE) ? !name().contains("grows") : name().endsWith("_2025");
    return falls ? GaussianFilter.FALLING : GaussianFilter.GROWING;
  }

  /** The layers, with that filter. */
  public LayerRegistry layers() {
    return StandardLayers.registry(gaussian());
  }

  /** The folder of the weights that Keras 3's files lack, if any do. */
  public Optional<Path> untracked() {
    return Optional.of(folder().resolve("bare")).filter(Files::isDirectory);
  }

  /** Where that folder's come from. */
  public KernelPoints kernelPoints() {
    return untracked().map(KernelPoints::fromFolder).orElseGet(KernelPoints::fromFileOnly);
  }

  /** A loader that knows what the file does not hold. */
  public KPConvX.Loader loader() {
    KPConvX.Loader loader =
        KPConvX.loader(file).withLayers(layers()).withKernelPoints(kernelPoints());
    return config().map(loader::withConfig).orElse(loader);
  }

  /** The configuration of a file without one, as Keras 3's SavedModels are too. */
  public Optional<KerasObject> config() {
    String own = file.getFileName().toString();
    String model =
        own.endsWith(".weights.h5")
            ? own.replace(".weights.h5", ".keras")
            : own.replaceFirst("saved_model-(3.*)", "keras-$1.keras");
    return model.equals(own)
        ? Optional.empty()
        : KPConvX.loader(file.resolveSibling(model)).config();
  }

  /** Its inputs by name. */
  public Map<String, NpyArray> inputs() {
    return NpzFile.read(folder().resolve("in.npz"));
  }

  /** Its outputs by name, in inference. */
  public Map<String, NpyArray> golden() {
    return NpzFile.read(folder().resolve("golden.npz"));
  }

  /**
   * What Python's {@code kpconvx_compat.vl3d.check} takes of a model.
   *
   * @param model this one, or one that was made of it
   * @param untracked the folder of its weights that its file lacks, if any do
   */
  public ObjectNode job(Path model, Optional<Path> untracked) {
    ObjectNode job =
        JsonNodeFactory.instance
            .objectNode()
            .put("model", model.toAbsolutePath().toString())
            .put("inputs", folder().resolve("in.npz").toAbsolutePath().toString())
            .put("golden", folder().resolve("golden.npz").toAbsolutePath().toString())
            .put("gaussian", gaussian() == GaussianFilter.FALLING ? "falls" : "grows");
    untracked.ifPresent(path -> job.put("bare", path.toAbsolutePath().toString()));
    return job;
  }

  @Override
  public String toString() {
    return file.toString();
  }
}
