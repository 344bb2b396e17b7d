package io.github.kpconvx.inference;

import io.github.kpconvx.Fixtures;
import io.github.kpconvx.ResidentMemory;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.numpy.NpyArray;
import io.github.kpconvx.numpy.NpzFile;
import io.github.kpconvx.tensor.Tensors;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/**
 * Resident memory after a long run is within 2 % of what it was after a warm-up of the same length.
 */
@EnabledOnOs(OS.LINUX)
class NativeMemoryTest {
  private static final Path CASE = Fixtures.of("network_residual");

  @Test
  void tenThousandPredictionsAndAsManyRefusedOnes() {
    Map<String, NpyArray> inputs = NpzFile.read(CASE.resolve("inputs.npz"));
    Map<String, NpyArray> wrong = new HashMap<>(inputs);
    int[] n = inputs.get("N").toInts();
    n[5] = -1;
    wrong.put("N", NpyArray.of(n, inputs.get("N").shape()));
    try (Model model = KPConvX.load(CASE.resolve("model.keras"))) {
      assertFlat(
          6_000,
          10_000,
          i -> {
            predict(model, inputs);
            if (i % 10 == 0) {
              try {
                predict(model, wrong);
                throw new AssertionError("a neighbour index of −1 was accepted");
              } catch (ModelException expected) {
                // What it is about is that nothing leaks.
              }
            }
          });
    }
  }

  @Tag(Fixtures.FULL)
  @Test
  void twoHundredLoadsAndClosesOfEachEngine() {
    assertFlat(
        100,
        200,
        i -> {
          KPConvX.loader(CASE.resolve("saved_model")).withEngine(Engine.SAVEDMODEL).load().close();
          KPConvX.loader(CASE.resolve("saved_model")).load().close();
          try {
            KPConvX.load(Fixtures.of("original").resolve("model.keras")).close();
            throw new AssertionError("a model without kernel points was accepted");
          } catch (KerasException expected) {
            // What it is about is that nothing leaks.
          }
        });
  }

  private static void predict(Model model, Map<String, NpyArray> inputs) {
    Tensors.with(
        inputs,
        tensors -> {
          model.predict(tensors).close();
          return null;
        });
  }

  private interface Step {
    void run(int i);
  }

  private static void assertFlat(int warmUp, int times, Step step) {
    for (int i = 0; i < warmUp; i++) {
      step.run(i);
    }
    long before = ResidentMemory.kib();
    for (int i = 0; i < times; i++) {
      step.run(i);
    }
    ResidentMemory.assertFlat(before, ResidentMemory.kib(), times);
  }
}
