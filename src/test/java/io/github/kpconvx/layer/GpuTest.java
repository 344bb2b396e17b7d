package io.github.kpconvx.layer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Optional;
import org.junit.jupiter.api.Test;

class GpuTest {
  @Test
  void tellsOfRoundingWhereItMayHappen() {
    String note = Gpu.roundingNote(true, null).orElseThrow();
    assertTrue(note.contains("NVIDIA_TF32_OVERRIDE=0"), note);
    assertEquals(Optional.of(note), Gpu.roundingNote(true, "1"));
    assertEquals(Optional.empty(), Gpu.roundingNote(true, "0"));
    assertEquals(Optional.empty(), Gpu.roundingNote(false, null));
  }
}
