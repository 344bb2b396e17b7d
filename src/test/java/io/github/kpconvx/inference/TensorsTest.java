package io.github.kpconvx.inference;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kpconvx.numpy.NpyArray;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import org.junit.jupiter.api.Test;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.TString;

class TensorsTest {
  @Test
  void theMemoryOfATensorIsTheTensor() {
    try (TFloat32 tensor = TFloat32.tensorOf(Shape.of(2, 3))) {
      ByteBuffer memory = Tensors.memory(tensor);
      assertTrue(memory.isDirect());
      assertEquals(24, memory.remaining());
      FloatBuffer floats = memory.asFloatBuffer();
      floats.put(new float[] {1, 2, 3, 4, 5, 6});
      assertEquals(6, tensor.getFloat(1, 2));
      tensor.setFloat(7, 1, 0);
      assertEquals(7, floats.get(3));
    }
  }

  @Test
  void arraysComeBackAsTheyWere() {
    for (NpyArray array :
        new NpyArray[] {
          NpyArray.of(new float[] {1.5f, -2, 3, 4}, 2, 2),
          NpyArray.of(new int[] {1, 2, -3}, 3),
          NpyArray.of(new long[] {1L << 40}, 1, 1, 1),
          NpyArray.of(new float[0], 0, 3)
        }) {
      try (Tensor tensor = Tensors.of(array)) {
        NpyArray back = Tensors.toArray(tensor);
        assertArrayEquals(array.shape(), back.shape());
        assertEquals(array.bytes(), back.bytes());
      }
    }
  }

  @Test
  void saysWhichTensorsItCannotShow() {
    try (TString text = TString.scalarOf("text");
        TBool truth = TBool.scalarOf(true)) {
      ModelException e = assertThrows(ModelException.class, () -> Tensors.memory(text));
      assertTrue(e.getMessage().contains("DT_STRING"), e.getMessage());
      assertEquals(1, Tensors.memory(truth).get());
      assertEquals("bool ()", Tensors.toArray(truth).toString());
      e = assertThrows(ModelException.class, () -> Tensors.toArray(text));
      assertTrue(e.getMessage().contains("DT_STRING"), e.getMessage());
    }
    TInt32 closed = TInt32.scalarOf(1);
    closed.close();
    assertThrows(IllegalStateException.class, () -> Tensors.memory(closed));
    try (TInt64 number = TInt64.scalarOf(5)) {
      assertEquals(5, Tensors.memory(number).getLong());
    }
  }
}
