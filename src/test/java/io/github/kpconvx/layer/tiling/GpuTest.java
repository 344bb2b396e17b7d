package io.github.kpconvx.layer.tiling;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Optional;
import org.junit.jupiter.api.Test;

class GpuTest {
  /** Of the device that is always there. */
  @Test
  void findsKernelsAndDevices() {
    assertTrue(Gpu.hasKernel("MatMul", "CPU"));
    assertFalse(Gpu.hasKernel("MatMul", "NONE"));
    assertFalse(Gpu.hasKernel("NoSuchOperation", "CPU"));
    assertTrue(Gpu.hasDevice("CPU"));
    assertFalse(Gpu.hasDevice("NONE"));
    assertEquals(Gpu.hasKernel("MatMul", "GPU") && Gpu.hasDevice("GPU"), Gpu.isPresent());
  }

  @Test
  void tellsOfRoundingWhereItMayHappen() {
    String note = Gpu.roundingNote(true, null).orElseThrow();
    assertTrue(note.contains("NVIDIA_TF32_OVERRIDE=0"), note);
    assertEquals(Optional.of(note), Gpu.roundingNote(true, "1"));
    assertEquals(Optional.empty(), Gpu.roundingNote(true, "0"));
    assertEquals(Optional.empty(), Gpu.roundingNote(false, null));
    assertEquals(
        Gpu.roundingNote(Gpu.isPresent(), System.getenv("NVIDIA_TF32_OVERRIDE")),
        Gpu.roundingNote());
  }
}
