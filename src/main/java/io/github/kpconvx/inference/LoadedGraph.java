package io.github.kpconvx.inference;

import java.util.Map;
import org.tensorflow.Output;
import org.tensorflow.Session;

/**
 * A graph that answers.
 *
 * @param session runs it
 * @param feeds its tensor for each input
 * @param fetches its tensor for each output and stage
 * @param release closes session and graph
 */
record LoadedGraph(
    Session session, Map<String, Output<?>> feeds, Map<String, Output<?>> fetches, Runnable release)
    implements AutoCloseable {

  @Override
  public void close() {
    release.run();
  }
}
