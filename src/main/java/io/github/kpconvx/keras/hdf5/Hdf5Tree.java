package io.github.kpconvx.keras.hdf5;

import io.github.kpconvx.dtype.DType;
import io.github.kpconvx.dtype.TensorData;
import io.jhdf.HdfFile;
import io.jhdf.WritableHdfFile;
import io.jhdf.api.WritableDataset;
import io.jhdf.api.WritableGroup;
import io.jhdf.checksum.ChecksumUtils;
import io.jhdf.exceptions.HdfWritingException;
import java.io.IOException;
import java.lang.reflect.Array;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import java.nio.ShortBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.IntFunction;
import org.tensorflow.types.family.TType;

/** A group of an HDF5 file that is to be written: groups and arrays by name, and attributes. */
final class Hdf5Tree {
  /** Where a file that jHDF wrote names it. */
  private static final String JHDF = "jHDF - ";

  private final Map<String, Object> children = new LinkedHashMap<>();
  private final Map<String, Object> attributes = new LinkedHashMap<>();

  /** Sets an attribute: a text or an array of at least one text. */
  void putAttribute(String name, Object value) {
    attributes.put(name, value);
  }

  /** Adds a group. */
  void put(String name, Hdf5Tree child) {
    children.put(name, child);
  }

  /** Adds a dataset. */
  void put(String name, TType values) {
    children.put(name, Values.of(values));
  }

  /** Adds a dataset at a path whose groups are made where they are missing. */
  void putAt(String path, TType values) {
    int slash = path.lastIndexOf('/');
    at(path.substring(0, Math.max(slash, 0))).put(path.substring(slash + 1), values);
  }

  /** The group at a path, which is made where it is missing. */
  Hdf5Tree at(String path) {
    Hdf5Tree group = this;
    for (String name : path.isEmpty() ? new String[0] : path.split("/")) {
      group = (Hdf5Tree) group.children.computeIfAbsent(name, missing -> new Hdf5Tree());
    }
    return group;
  }

  /** Whether nothing stands here under a name. */
  boolean lacks(String name) {
    return !children.containsKey(name);
  }

  /** Writes a file of which this is the root. */
  void write(Path file) throws IOException {
    try (WritableHdfFile hdf = HdfFile.write(file)) {
      // jHDF's own mark, which names the machine's system.
      List.copyOf(hdf.getAttributes().keySet()).forEach(hdf::removeAttribute);
      writeTo(hdf);
    } catch (HdfWritingException e) {
      throw e.getCause() instanceof IOException cause ? cause : new IOException(e.getMessage(), e);
    }
  }

  /**
   * Writes a file of which this is the root, and a group beside its others that is empty. jHDF
   * 0.13.0 puts its own name after the last data that it writes, over an empty group that follows
   * them; so the group is put there once more.
   *
   * @param empty the group's name, behind which no other is written
   */
  void writeWithEmptyGroup(Path file, String empty) throws IOException {
    put(empty, new Hdf5Tree());
    write(file);
    byte[] bytes = Files.readAllBytes(file);
    byte[] mark = JHDF.getBytes(StandardCharsets.US_ASCII);
    int place = bytes.length - mark.length;
    while (place > 0 && !Arrays.equals(bytes, place, place + mark.length, mark, 0, mark.length)) {
      place--;
    }
    ByteBuffer header = emptyGroup();
    if (place > 0 && bytes.length - place >= header.remaining()) {
      header.get(bytes, place, header.remaining());
      Files.write(file, bytes);
    }
  }

  /** An object header of version 2 with the messages "group info" and "link info" alone. */
  private static ByteBuffer emptyGroup() {
    ByteBuffer header = ByteBuffer.allocate(42).order(ByteOrder.LITTLE_ENDIAN);
    header.put("OHDR".getBytes(StandardCharsets.US_ASCII)).put((byte) 2).put((byte) 2).putInt(28);
    header.put((byte) 0x0a).putShort((short) 2).put(new byte[3]);
    header.put((byte) 0x02).putShort((short) 18).put(new byte[3]).putLong(-1).putLong(-1);
    header.putInt(ChecksumUtils.checksum(Arrays.copyOf(header.array(), 38)));
    return header.flip();
  }

  private void writeTo(WritableGroup group) {
    attributes.forEach(group::putAttribute);
    children.forEach(
        (name, child) -> {
          if (child instanceof Hdf5Tree inner) {
            inner.writeTo(group.putGroup(name));
          } else {
            Values values = (Values) child;
            WritableDataset dataset = group.putDataset(name, values.array());
            values.type().ifPresent(type -> type.applyTo(dataset));
          }
        });
  }

  /** A tensor's elements, and their type where no Java array tells it. */
  private record Values(Object array, Optional<RawDataType> type) {

    /** The elements as nested Java arrays, whose lengths jHDF takes the shape from. */
    static Values of(TType tensor) {
      DType type = DType.of(tensor.type());
      ByteBuffer bytes = ByteBuffer.wrap(TensorData.bytes(tensor)).order(ByteOrder.nativeOrder());
      int[] shape = Arrays.stream(tensor.shape().asArray()).mapToInt(Math::toIntExact).toArray();
      IntFunction<Object> rows =
          switch (type) {
            case FLOAT32 -> rows(bytes.asFloatBuffer(), float[]::new, FloatBuffer::get);
            case FLOAT64 -> rows(bytes.asDoubleBuffer(), double[]::new, DoubleBuffer::get);
            case INT32 -> rows(bytes.asIntBuffer(), int[]::new, IntBuffer::get);
            case INT64 -> rows(bytes.asLongBuffer(), long[]::new, LongBuffer::get);
            case FLOAT16, BFLOAT16 -> rows(bytes.asShortBuffer(), short[]::new, ShortBuffer::get);
            default ->
                throw new IllegalArgumentException("Weights of " + type + " are not written");
          };
      Object array = shape.length == 0 ? Array.get(rows.apply(1), 0) : nested(rows, shape, 0);
      return new Values(array, RawDataType.of(type));
    }

    /** Takes the next elements of a buffer, as an array. */
    private static <B, A> IntFunction<Object> rows(
        B buffer, IntFunction<A> make, BiConsumer<B, A> fill) {
      return length -> {
        A row = make.apply(length);
        fill.accept(buffer, row);
        return row;
      };
    }

    private static Object nested(IntFunction<Object> rows, int[] shape, int depth) {
      if (depth == shape.length - 1) {
        return rows.apply(shape[depth]);
      }
      Object[] items = new Object[shape[depth]];
      Arrays.setAll(items, i -> nested(rows, shape, depth + 1));
      Class<?> element = rows.apply(0).getClass().getComponentType();
      Object array = Array.newInstance(element, Arrays.copyOfRange(shape, depth, shape.length));
      System.arraycopy(items, 0, array, 0, items.length);
      return array;
    }
  }
}
