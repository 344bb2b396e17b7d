package io.github.kpconvx.inference;

import java.util.Map;
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
    Session session, Map<String, String> feeds, Map<String, String> fetches, Runnable release)
    implements AutoCloseable {

  @Override
  public void close() {
    release.run();
  }
}
