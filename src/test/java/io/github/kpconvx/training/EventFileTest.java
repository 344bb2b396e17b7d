package io.github.kpconvx.training;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tensorflow.Graph;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.exceptions.TFOutOfRangeException;
import org.tensorflow.exceptions.TensorFlowException;
import org.tensorflow.op.Ops;
import org.tensorflow.op.io.FifoQueue;
import org.tensorflow.op.io.ReaderRead;
import org.tensorflow.proto.Event;
import org.tensorflow.types.TString;

/** What is written is read by TensorFlow's own reader of records, which checks each. */
class EventFileTest {
  @TempDir private Path directory;

  private static List<Path> files(Path directory) throws IOException {
    try (var files = Files.list(directory)) {
      return files.sorted().toList();
    }
  }

  private static List<Event> read(Path file) throws IOException {
    List<Event> events = new ArrayList<>();
    try (Graph graph = new Graph();
        Session session = new Session(graph)) {
      Ops tf = Ops.create(graph);
      FifoQueue queue = tf.io.fifoQueue(List.of(TString.class));
      session.run(tf.io.queueEnqueue(queue, List.of(tf.constant(file.toString()))));
      session.run(tf.io.queueClose(queue));
      ReaderRead record = tf.io.readerRead(tf.io.tfRecordReader(), queue);
      while (true) {
        try (Result result = session.runner().fetch(record.value()).run()) {
          events.add(Event.parseFrom(((TString) result.get(0)).asBytes().getObject()));
        } catch (TFOutOfRangeException e) {
          return events;
        }
      }
    }
  }

  private static Map<String, Float> scalars(Event event) {
    Map<String, Float> scalars = new TreeMap<>();
    event
        .getSummary()
        .getValueList()
        .forEach(value -> scalars.put(value.getTag(), value.getSimpleValue()));
    return scalars;
  }

  private static Metrics metrics(double loss, int right, int wrong) {
    ConfusionMatrix confusion = new ConfusionMatrix(2);
    confusion.add(0, 0, right);
    confusion.add(1, 0, wrong);
    return new Metrics(loss, confusion);
  }

  @Test
  void tensorFlowReadsWhatWasTold() throws IOException {
    Path folder = directory.resolve("new/folder");
    double before = System.currentTimeMillis() / 1000.0;
    try (EventFile file = new EventFile(folder)) {
      file.step(new TrainingListener.Step(7, 1, 7, 8, 0.25, 1.5, metrics(1.5, 1, 1)));
      file.epoch(
          new TrainingListener.Epoch(1, 8, metrics(2, 3, 1), Optional.of(metrics(4, 1, 1)), true));
      file.epoch(new TrainingListener.Epoch(2, 1L << 40, metrics(1, 1, 0), Optional.empty(), true));
    }
    assertEquals(1, files(folder).size());
    assertTrue(
        files(folder).get(0).getFileName().toString().startsWith("events.out.tfevents."),
        files(folder).toString());
    List<Event> events = read(files(folder).get(0));
    assertEquals(4, events.size());
    assertEquals("brain.Event:2", events.get(0).getFileVersion());
    double after = System.currentTimeMillis() / 1000.0;
    for (Event event : events) {
      assertTrue(event.getWallTime() >= before && event.getWallTime() <= after, event.toString());
    }
    assertEquals(7, events.get(1).getStep());
    assertEquals(Map.of("step/loss", 1.5f, "step/learning_rate", 0.25f), scalars(events.get(1)));
    assertEquals(8, events.get(2).getStep());
    assertEquals(
        Map.of(
            "training/loss", 2f,
            "training/accuracy", 0.75f,
            "training/mean_iou", 0.375f,
            "validation/loss", 4f,
            "validation/accuracy", 0.5f,
            "validation/mean_iou", 0.25f),
        scalars(events.get(2)));
    assertEquals(1L << 40, events.get(3).getStep());
    assertEquals(
        Map.of("training/loss", 1f, "training/accuracy", 1f, "training/mean_iou", 1f),
        scalars(events.get(3)));
  }

  @Test
  void aDamagedRecordIsNoticed() throws IOException {
    try (EventFile file = new EventFile(directory)) {
      file.epoch(new TrainingListener.Epoch(1, 8, metrics(2, 3, 1), Optional.empty(), true));
    }
    Path path = files(directory).get(0);
    byte[] bytes = Files.readAllBytes(path);
    bytes[bytes.length - 10] ^= 1;
    Files.write(path, bytes);
    String message = assertThrows(TensorFlowException.class, () -> read(path)).getMessage();
    assertTrue(message.contains("corrupted record"), message);
  }

  @Test
  void runsThatStartTogetherHaveFilesOfTheirOwn() throws IOException {
    for (int i = 0; i < 3; i++) {
      new EventFile(directory).close();
    }
    assertEquals(3, files(directory).size());
  }

  @Test
  void whatCannotBeWrittenIsAnError() throws IOException {
    Path file = Files.writeString(directory.resolve("file"), "x");
    String message = assertThrows(TrainingException.class, () -> new EventFile(file)).getMessage();
    assertTrue(message.startsWith("Cannot write " + file), message);
    EventFile events = new EventFile(directory);
    events.close();
    message =
        assertThrows(
                TrainingException.class,
                () ->
                    events.epoch(
                        new TrainingListener.Epoch(1, 8, metrics(2, 3, 1), Optional.empty(), true)))
            .getMessage();
    assertTrue(message.endsWith(": it was closed"), message);
  }
}
