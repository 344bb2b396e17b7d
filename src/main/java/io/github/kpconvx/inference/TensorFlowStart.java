package io.github.kpconvx.inference;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.tensorflow.Graph;
import org.tensorflow.op.Ops;

/**
 * The loading of TensorFlow's library and of what every graph needs, which takes a JVM's first
 * model half a second and more: it goes on while another thread reads files.
 */
final class TensorFlowStart {
  private static final String MEMORY = "org.bytedeco.javacpp.maxPhysicalBytes";

  private final CompletableFuture<Void> library;

  private TensorFlowStart(CompletableFuture<Void> library) {
    this.library = library;
  }

  /** Begins it in a thread of its own; once it is over, beginning again costs nothing. */
  static TensorFlowStart begin() {
    return new TensorFlowStart(CompletableFuture.runAsync(TensorFlowStart::first));
  }

  private static void first() {
    // Else JavaCPP refuses native memory beyond four times the heap's, which under a small heap is
    // less than TensorFlow needs to start with. Has no effect once TensorFlow is loaded.
    if (System.getProperty(MEMORY) == null) {
      System.setProperty(MEMORY, "0");
    }
    try (Graph graph = new Graph()) {
      Ops.create(graph).constant(0f);
    }
  }

  /**
   * Waits until it is over.
   *
   * @throws UnsatisfiedLinkError if there is no library for this computer
   */
  void await() {
    try {
      library.join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof Error error) {
        throw error;
      }
      throw e;
    }
  }
}
