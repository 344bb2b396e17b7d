package io.github.kpconvx.keras.hdf5;

import io.github.kpconvx.dtype.DType;
import io.github.kpconvx.dtype.TensorData;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.weights.StoredWeight;
import io.github.kpconvx.keras.weights.WeightAlignment;
import io.jhdf.api.Attribute;
import io.jhdf.api.Dataset;
import io.jhdf.api.dataset.ChunkedDataset;
import io.jhdf.api.dataset.ContiguousDataset;
import io.jhdf.object.datatype.FixedPoint;
import io.jhdf.object.datatype.FloatingPoint;
import java.lang.reflect.Array;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Optional;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.types.TFloat16;
import org.tensorflow.types.family.TType;

/** A dataset of an HDF5 file. */
final class Hdf5Weight implements StoredWeight {
  /** Real weights compress by little; only small datasets may compress well. */
  private static final long MAX_EXPANSION = 100;

  private static final long FREE_EXPANSION = 16L << 20;

  private final Hdf5File file;
  private final String path;
  private final String name;
  private final Dataset dataset;
  private final Shape shape;
  private final String dtype;

  /**
   * A dataset.
   *
   * @param file the file that holds it
   * @param path its path
   * @param dataset the dataset
   * @throws KerasException if it declares far more than it stores
   */
  Hdf5Weight(Hdf5File file, String path, Dataset dataset) {
    this(file, path, nameOf(dataset), dataset);
    requireStored();
  }

  private Hdf5Weight(Hdf5File file, String path, String name, Dataset dataset) {
    this.file = file;
    this.path = path;
    this.name = name;
    this.dataset = dataset;
    shape = Shape.of(dataset.getDimensionsAsLong());
    dtype = dtypeOf(dataset);
  }

  /** The same under the name that its file gives it elsewhere. */
  Hdf5Weight named(String other) {
    return new Hdf5Weight(file, path, other, dataset);
  }

  private void requireStored() {
    int width = dataset.getDataType().getSize();
    long declared = bytes(width, dataset.getDimensionsAsLong());
    long stored = dataset.isEmpty() ? 0 : dataset.getStorageInBytes();
    long room =
        dataset instanceof ContiguousDataset contiguous && stored > 0
            ? file.size() - contiguous.getDataAddress()
            : file.size();
    stored = Math.max(0, Math.min(stored, room));
    boolean compressed = !dataset.getFilters().isEmpty();
    boolean plausible =
        compressed
            ? stored > 0 && (declared <= FREE_EXPANSION || declared / MAX_EXPANSION <= stored)
            : stored >= declared;
    if (!plausible) {
      throw new KerasException(
          "%s: %s declares shape %s, %d bytes of %s, but stores %d bytes; expected %s"
              .formatted(
                  file.name(),
                  path,
                  WeightAlignment.text(shape),
                  declared,
                  dtype,
                  stored,
                  compressed ? "at least a hundredth of them" : "all of them"));
    }
    if (dataset instanceof ChunkedDataset chunked) {
      int[] chunk = chunked.getChunkDimensions();
      long unpacked = bytes(width, Arrays.stream(chunk).asLongStream().toArray());
      if (unpacked > Math.max(declared, FREE_EXPANSION)) {
        throw new KerasException(
            "%s: %s of shape %s, %d bytes, is cut into chunks of shape %s, expected chunks no larger"
                .formatted(
                    file.name(),
                    path,
                    WeightAlignment.text(shape),
                    declared,
                    Arrays.toString(chunk)));
      }
    }
  }

  private static long bytes(int width, long[] dimensions) {
    try {
      return Arrays.stream(dimensions).reduce(width, Math::multiplyExact);
    } catch (ArithmeticException e) {
      return Long.MAX_VALUE;
    }
  }

  /** Whether it holds whole numbers. */
  boolean isInteger() {
    return dataset.getDataType() instanceof FixedPoint;
  }

  @Override
  public String path() {
    return path;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public Shape shape() {
    return shape;
  }

  @Override
  public String dtype() {
    return dtype;
  }

  @Override
  public TType read() {
    if (file.isClosed()) {
      throw new IllegalStateException(file.name() + " is closed");
    }
    DType type = WeightAlignment.type(file.name(), this);
    Object values =
        file.guarded(
            path,
            () -> {
              Object data = dataset.getDataFlat();
              if (data.getClass().isArray() && Array.getLength(data) == shape.size()) {
                return data;
              }
              throw new KerasException(
                  "%s: %s cannot be read: it holds other than the %d values it declares"
                      .formatted(file.name(), path, shape.size()));
            });
    if (type == DType.FLOAT16 && values instanceof float[] floats) {
      return TFloat16.tensorOf(shape, DataBuffers.of(floats, true, false));
    }
    return TensorData.tensor(type, shape, bytes(type, values));
  }

  /** The bytes of what jHDF gives: an array of numbers, or of bytes where a type is opaque. */
  private byte[] bytes(DType type, Object values) {
    ByteBuffer bytes =
        ByteBuffer.allocate(Math.toIntExact(type.bytes() * shape.size()))
            .order(ByteOrder.nativeOrder());
    boolean known = true;
    if (type == DType.FLOAT32 && values instanceof float[] floats) {
      bytes.asFloatBuffer().put(floats);
    } else if (type == DType.FLOAT64 && values instanceof double[] doubles) {
      bytes.asDoubleBuffer().put(doubles);
    } else if (type == DType.INT32 && values instanceof int[] integers) {
      bytes.asIntBuffer().put(integers);
    } else if (type == DType.INT64 && values instanceof long[] longs) {
      bytes.asLongBuffer().put(longs);
    } else if (type == DType.BFLOAT16) {
      Optional<byte[]> raw = OpaqueBytes.of(values);
      known = raw.isPresent();
      raw.ifPresent(bytes::put);
    } else {
      known = false;
    }
    if (!known) {
      throw new KerasException(
          "%s: %s cannot be read: it holds %s, expected %s as it declares"
              .formatted(file.name(), path, values.getClass().getSimpleName(), type));
    }
    return bytes.array();
  }

  /** The name that Keras gave the layer, with the weight's number. */
  private static String nameOf(Dataset dataset) {
    Attribute name = dataset.getParent().getAttribute("name");
    return name != null && !name.isEmpty() && Utf8Attribute.data(name) instanceof String layer
        ? layer + "/" + dataset.getName()
        : dataset.getPath().substring(1);
  }

  private static String dtypeOf(Dataset dataset) {
    Attribute given = dataset.getAttribute("dtype");
    if (given != null && given.getData() instanceof String text) {
      return text; // bfloat16, for which HDF5 has no type
    }
    if (OpaqueBytes.is(dataset.getDataType())) {
      return DType.BFLOAT16.toString(); // Keras's .h5 does not say so, but has no other such type.
    }
    if (dataset.getDataType() instanceof FloatingPoint real) {
      boolean ieee = real.getSize() != 4 || real.getExponentSize() == 8;
      return (ieee ? "float" : "unusual float") + 8 * real.getSize();
    }
    if (dataset.getDataType() instanceof FixedPoint integer) {
      return (integer.isSigned() ? "int" : "uint") + 8 * integer.getSize();
    }
    return dataset.getDataType().getClass().getSimpleName();
  }
}
