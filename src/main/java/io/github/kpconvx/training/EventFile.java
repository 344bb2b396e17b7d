package io.github.kpconvx.training;

import io.github.kpconvx.io.Failures;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.zip.CRC32C;
import org.tensorflow.proto.Event;
import org.tensorflow.proto.Summary;

/**
 * Writes scalars for TensorBoard: a file of TFRecords, each an {@code Event}. A resumed run writes
 * one more file into the same directory; TensorBoard shows both as one.
 *
 * @see <a href="https://www.tensorflow.org/tutorials/load_data/tfrecord">TFRecord</a>
 */
public final class EventFile implements TrainingListener, AutoCloseable {
  /** Tells files apart that one process opens within a second. */
  private static final AtomicInteger OPENED = new AtomicInteger();

  private final Path path;
  private final OutputStream out;

  /**
   * Opens a new file.
   *
   * @param directory where to; is made if it is missing
   * @throws TrainingException if it cannot be written
   */
  public EventFile(Path directory) {
    long now = System.currentTimeMillis();
    path =
        directory.resolve(
            "events.out.tfevents.%010d.%s.%d.%d"
                .formatted(
                    now / 1000, host(), ProcessHandle.current().pid(), OPENED.getAndIncrement()));
    try {
      Files.createDirectories(directory);
      out = Files.newOutputStream(path, StandardOpenOption.CREATE_NEW);
    } catch (IOException e) {
      throw new TrainingException("Cannot write " + path + ": " + Failures.reason(e), e);
    }
    write(Event.newBuilder().setFileVersion("brain.Event:2").setWallTime(now / 1000.0).build());
  }

  private static String host() {
    try {
      return InetAddress.getLocalHost().getHostName();
    } catch (IOException e) {
      return "localhost";
    }
  }

  @Override
  public void step(Step step) {
    scalars(
        step.globalStep(),
        Map.of("step/loss", step.loss(), "step/learning_rate", step.learningRate()));
  }

  @Override
  public void epoch(Epoch epoch) {
    Map<String, Double> values = new TreeMap<>();
    put(values, "training", epoch.training());
    epoch.validation().ifPresent(metrics -> put(values, "validation", metrics));
    scalars(epoch.globalStep(), values);
  }

  private static void put(Map<String, Double> values, String prefix, Metrics metrics) {
    values.put(prefix + "/loss", metrics.loss());
    values.put(prefix + "/accuracy", metrics.accuracy());
    values.put(prefix + "/mean_iou", metrics.meanIou());
  }

  private void scalars(long step, Map<String, Double> values) {
    Summary.Builder summary = Summary.newBuilder();
    values.forEach(
        (tag, value) ->
            summary.addValue(
                Summary.Value.newBuilder().setTag(tag).setSimpleValue(value.floatValue())));
    write(
        Event.newBuilder()
            .setStep(step)
            .setWallTime(System.currentTimeMillis() / 1000.0)
            .setSummary(summary)
            .build());
  }

  /** A record: length, its checksum, content, its checksum; all little-endian. */
  private void write(Event event) {
    byte[] content = event.toByteArray();
    byte[] length = new byte[8];
    ByteBuffer.wrap(length).order(ByteOrder.LITTLE_ENDIAN).putLong(content.length);
    byte[] all = new byte[length.length + content.length + 8];
    ByteBuffer.wrap(all)
        .order(ByteOrder.LITTLE_ENDIAN)
        .put(length)
        .putInt(checksum(length))
        .put(content)
        .putInt(checksum(content));
    try {
      out.write(all);
    } catch (IOException e) {
      throw new TrainingException("Cannot write " + path + ": " + Failures.reason(e), e);
    }
  }

  /** CRC-32C, masked as TFRecords ask for. */
  private static int checksum(byte[] bytes) {
    CRC32C crc = new CRC32C();
    crc.update(bytes);
    return Integer.rotateRight((int) crc.getValue(), 15) + 0xa282ead8;
  }

  @Override
  public void close() {
    try {
      out.close();
    } catch (IOException e) {
      throw new TrainingException("Cannot write " + path + ": " + Failures.reason(e), e);
    }
  }
}
