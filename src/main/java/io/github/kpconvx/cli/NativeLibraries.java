package io.github.kpconvx.cli;

import io.github.kpconvx.KpconvxException;
import io.github.kpconvx.io.Failures;
import java.io.IOException;
import org.bytedeco.javacpp.Loader;
import org.tensorflow.Graph;

/**
 * What JavaCPP, through which Java reaches TensorFlow's library, is told before it loads it. What
 * the JVM was started with comes first.
 */
final class NativeLibraries {
  private static final String MEMORY = "org.bytedeco.javacpp.maxPhysicalBytes";
  private static final String EXTENSION = "org.bytedeco.javacpp.platform.extension";

  private NativeLibraries() {}

  /** Tells it; does nothing once TensorFlow is loaded. */
  static void setUp() {
    // It would ask how much memory the process has at each allocation, a third of the time it takes
    // to load a model, and would refuse any more when it is four times the heap's, as it may be for
    // a large cloud.
    if (System.getProperty(MEMORY) == null) {
      System.setProperty(MEMORY, "0");
    }
    // Untold, it looks for twenty libraries of CUDA under 1,500 names in each archive of the class
    // path, half the time it takes to load TensorFlow.
    if (System.getProperty(EXTENSION) == null && !hasGpuLibrary()) {
      System.setProperty(EXTENSION, "-none");
    }
  }

  /** Whether TensorFlow's library for GPUs is on the class path. */
  private static boolean hasGpuLibrary() {
    String library =
        "/org/tensorflow/internal/c_api/%s-gpu/%s"
            .formatted(Loader.getPlatform(), System.mapLibraryName("jnitensorflow"));
    try {
      return Loader.findResource(Graph.class, library) != null;
    } catch (IOException e) {
      throw new KpconvxException("The class path cannot be read: " + Failures.reason(e), e);
    }
  }
}
