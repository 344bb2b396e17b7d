package io.github.kpconvx.keras.hdf5;

import io.github.kpconvx.dtype.DType;
import io.jhdf.WritableDatasetImpl;
import io.jhdf.api.WritableDataset;
import io.jhdf.exceptions.HdfWritingException;
import io.jhdf.object.datatype.DataType;
import io.jhdf.object.datatype.FixedPoint;
import io.jhdf.storage.HdfBackingStorage;
import io.jhdf.storage.HdfFileChannel;
import java.lang.reflect.Field;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Optional;

/**
 * A type of two bytes that jHDF 0.13.0 reads but cannot write, as no Java array is of it: the bits
 * are written from an array of short.
 */
final class RawDataType extends DataType {
  private static final int FLOAT = 1;
  private static final int OPAQUE = 5;
  private static final FixedPoint BITS = new FixedPoint(Short.BYTES);

  private final byte[] message;
  private final boolean marked;

  private RawDataType(int dataClass, byte[] message, boolean marked) {
    super(dataClass, Short.BYTES);
    this.message = message;
    this.marked = marked;
  }

  /** The type for data of a type that jHDF cannot write. */
  static Optional<RawDataType> of(DType type) {
    return switch (type) {
      case FLOAT16 -> Optional.of(new RawDataType(FLOAT, half(), false));
      case BFLOAT16 -> Optional.of(new RawDataType(OPAQUE, opaque(), true));
      default -> Optional.empty();
    };
  }

  /**
   * Little-endian IEEE 754 binary16: an implied leading bit, the sign at bit 15, 5 bits of exponent
   * from bit 10 with the bias 15, 10 bits of mantissa from bit 0.
   */
  private static byte[] half() {
    ByteBuffer message = ByteBuffer.allocate(20).order(ByteOrder.LITTLE_ENDIAN);
    message.put((byte) (0x10 | FLOAT)).put((byte) 0x20).put((byte) 15).put((byte) 0);
    message.putInt(Short.BYTES).putShort((short) 0).putShort((short) Short.SIZE);
    return message.put(new byte[] {10, 5, 0, 10}).putInt(15).array();
  }

  /** Bytes of no known type; with a tag, which jHDF needs to read them again. */
  private static byte[] opaque() {
    byte[] tag = Arrays.copyOf("bf16".getBytes(StandardCharsets.US_ASCII), 8);
    ByteBuffer message = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
    message.put((byte) (0x10 | OPAQUE)).put((byte) tag.length).put(new byte[2]);
    return message.putInt(Short.BYTES).put(tag).array();
  }

  /** Makes a dataset of short one of this type. */
  void applyTo(WritableDataset dataset) {
    try {
      Field type = WritableDatasetImpl.class.getDeclaredField("dataType");
      type.setAccessible(true);
      type.set(dataset, this);
    } catch (ReflectiveOperationException e) {
      throw new HdfWritingException("jHDF is another version than 0.13.0", e);
    }
    if (marked) { // Keras looks for this where it reads such bytes.
      dataset.putAttribute("dtype", DType.BFLOAT16.toString());
    }
  }

  @Override
  public ByteBuffer toBuffer() {
    return ByteBuffer.wrap(message).order(ByteOrder.LITTLE_ENDIAN);
  }

  @Override
  public void writeData(Object data, int[] dimensions, HdfFileChannel channel) {
    BITS.writeData(data, dimensions, channel);
  }

  @Override
  public Class<?> getJavaType() {
    return short.class;
  }

  @Override
  public Object fillData(ByteBuffer buffer, int[] dimensions, HdfBackingStorage storage) {
    return BITS.fillData(buffer, dimensions, storage);
  }
}
