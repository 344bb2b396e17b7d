package io.github.kpconvx.inference;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.types.TInt32;

/** Which graphs are made and dropped; no graph is run here. */
class GraphPerNeighbourCountTest {
  private static final List<TensorSpec> INPUTS =
      List.of(new TensorSpec("N", Shape.of(-1, -1, -1), TInt32.class));

  private final List<Long> made = new ArrayList<>();
  private final AtomicInteger closed = new AtomicInteger();
  private final AtomicInteger released = new AtomicInteger();

  private LoadedGraph graph() {
    return new LoadedGraph(null, Map.of(), Map.of(), closed::incrementAndGet);
  }

  private GraphPerNeighbourCount graphs() {
    return new GraphPerNeighbourCount(
        INPUTS,
        shapes -> {
          made.add(shapes.get("N").get(2));
          return graph();
        },
        () -> {
          made.add(0L);
          return graph();
        },
        released::incrementAndGet);
  }

  private static void ask(GraphPerNeighbourCount graphs, int neighbours) {
    graphs.with(Map.of("N", Shape.of(1, 10, neighbours)), graph -> graph);
  }

  @Test
  void numbersBeyondTheLimitShareAGraphAndNoneIsMadeTwice() {
    GraphPerNeighbourCount graphs = graphs();
    for (int run = 0; run < 50; run++) {
      for (int neighbours = 1; neighbours <= 16; neighbours++) {
        ask(graphs, neighbours);
      }
    }
    assertEquals(List.of(1L, 2L, 3L, 4L, 5L, 6L, 7L, 8L, 0L), made);
    assertEquals(0, closed.get());
    graphs.close();
    assertEquals(9, closed.get());
    assertEquals(1, released.get());
  }

  @Test
  void aNumberThatNobodyAsksForMakesRoom() {
    GraphPerNeighbourCount graphs = graphs();
    for (int neighbours = 1; neighbours <= GraphPerNeighbourCount.LIMIT; neighbours++) {
      ask(graphs, neighbours);
    }
    for (int run = 0; run <= GraphPerNeighbourCount.PATIENCE; run++) {
      ask(graphs, 20);
    }
    assertTrue(made.contains(20L), made.toString());
    assertEquals(1, closed.get());
    ask(graphs, 2);
    assertEquals(1, made.stream().filter(number -> number == 2).count());
    graphs.close();
  }

  @Test
  void makingAGraphHoldsUpNoOtherNumber() throws Exception {
    CountDownLatch begun = new CountDownLatch(1);
    CountDownLatch goOn = new CountDownLatch(1);
    GraphPerNeighbourCount graphs =
        new GraphPerNeighbourCount(
            INPUTS,
            shapes -> {
              if (shapes.get("N").get(2) == 1) {
                begun.countDown();
                await(goOn);
              }
              return graph();
            },
            this::graph,
            () -> {});
    ExecutorService threads = Executors.newFixedThreadPool(2);
    try {
      Future<?> slow = threads.submit(() -> ask(graphs, 1));
      assertTrue(begun.await(10, TimeUnit.SECONDS));
      threads.submit(() -> ask(graphs, 2)).get(10, TimeUnit.SECONDS);
      assertFalse(slow.isDone());
      goOn.countDown();
      slow.get(10, TimeUnit.SECONDS);
    } finally {
      goOn.countDown();
      threads.shutdownNow();
    }
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await(10, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void whatFailedIsTriedAgain() {
    AtomicInteger tries = new AtomicInteger();
    GraphPerNeighbourCount graphs =
        new GraphPerNeighbourCount(
            INPUTS,
            shapes -> {
              if (tries.getAndIncrement() == 0) {
                throw new IllegalStateException("for once");
              }
              return graph();
            },
            this::graph,
            () -> {});
    assertEquals(
        "for once", assertThrows(IllegalStateException.class, () -> ask(graphs, 3)).getMessage());
    ask(graphs, 3);
    assertEquals(2, tries.get());
    graphs.close();
  }
}
