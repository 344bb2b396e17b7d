package io.github.kpconvx.tensor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kpconvx.numpy.NpyArray;
import io.github.kpconvx.numpy.NumpyException;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.NdArrays;
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
  void anArrayBecomesATensorOfTheTypeThatIsAskedFor() {
    NpyArray array = NpyArray.of(new long[] {1, 2, 3}, 3);
    try (TInt32 tensor = (TInt32) Tensors.of(array, TInt32.class)) {
      assertEquals(3, tensor.getInt(2));
    }
    NpyArray bytes = array.as(NpyArray.Type.INT8);
    assertThrows(NumpyException.class, () -> Tensors.of(bytes));
    assertThrows(NumpyException.class, () -> Tensors.of(array, TFloat32.class));
    assertThrows(NumpyException.class, () -> Tensors.of(array, TString.class));
    try (TInt64 tensor = (TInt64) Tensors.of(bytes, TInt64.class)) {
      assertEquals(2, tensor.getLong(1));
    }
  }

  @Test
  void stringsComeBackAsBytes() {
    for (NpyArray array :
        new NpyArray[] {
          NpyArray.ofTexts(List.of("a", "äb", "", "電"), 2, 2),
          NpyArray.ofBytes(List.of(new byte[] {0, -1}), 1),
          NpyArray.ofTexts(List.of("one")),
          NpyArray.ofBytes(List.of(), 0)
        }) {
      try (Tensor tensor = Tensors.of(array, TString.class)) {
        NpyArray back = Tensors.toArray(tensor);
        assertArrayEquals(array.shape(), back.shape());
        assertArrayEquals(
            array.toByteStrings().toArray(), back.toByteStrings().toArray(), back.toString());
      }
    }
    NpyArray texts = NpyArray.ofTexts(List.of("1"), 1);
    assertThrows(NumpyException.class, () -> Tensors.of(texts, TInt32.class));
    try (TString ended = TString.tensorOfBytes(NdArrays.vectorOfObjects(new byte[] {1, 0}))) {
      assertThrows(NumpyException.class, () -> Tensors.toArray(ended));
    }
  }

  @Test
  void saysWhichTensorsItCannotShow() {
    try (TString text = TString.scalarOf("text");
        TBool truth = TBool.scalarOf(true)) {
      NumpyException e = assertThrows(NumpyException.class, () -> Tensors.memory(text));
      assertTrue(e.getMessage().contains("DT_STRING"), e.getMessage());
      assertEquals(1, Tensors.memory(truth).get());
      assertEquals("bool ()", Tensors.toArray(truth).toString());
    }
    TInt32 closed = TInt32.scalarOf(1);
    closed.close();
    assertThrows(IllegalStateException.class, () -> Tensors.memory(closed));
    try (TInt64 number = TInt64.scalarOf(5)) {
      assertEquals(5, Tensors.memory(number).getLong());
    }
  }
}
