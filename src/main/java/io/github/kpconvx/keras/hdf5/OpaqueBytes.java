package io.github.kpconvx.keras.hdf5;

import io.jhdf.object.datatype.DataType;
import io.jhdf.object.datatype.OpaqueDataType;
import io.jhdf.object.datatype.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Optional;

/**
 * Elements of two bytes that HDF5 has no type for, as Keras stores bfloat16: "opaque", without a
 * tag. jHDF 0.13.0 cannot read that type, as it looks for the tag's end; it reads references of two
 * bytes, whose type is described in as much room, and gives them as numbers.
 */
final class OpaqueBytes {
  /** The message of a data type in an object header of version 1, and the type itself. */
  private static final byte[] UNTAGGED = {3, 0, 8, 0, 1, 0, 0, 0, 0x15, 0, 0, 0, 2, 0, 0, 0};

  /** Where the type's class stands in that. */
  private static final int CLASS = 8;

  private static final byte REFERENCE = 0x17;

  private OpaqueBytes() {}

  /**
   * The bytes of a file so that jHDF can read it.
   *
   * @param file the file's bytes
   * @return a changed copy where there is such a type, else the same
   */
  static byte[] readable(byte[] file) {
    byte[] changed = file;
    for (int at = 0; at + UNTAGGED.length <= file.length; at++) {
      if (file[at] == UNTAGGED[0] && isAt(file, at)) {
        changed = changed == file ? file.clone() : changed;
        changed[at + CLASS] = REFERENCE;
      }
    }
    return changed;
  }

  private static boolean isAt(byte[] file, int at) {
    return Arrays.equals(file, at, at + UNTAGGED.length, UNTAGGED, 0, UNTAGGED.length);
  }

  /** Whether elements are two bytes of no known type. */
  static boolean is(DataType type) {
    return type.getSize() == Short.BYTES
        && (type instanceof OpaqueDataType || type instanceof Reference);
  }

  /**
   * The bytes of elements.
   *
   * @param elements what jHDF gives: an array for each, or the number that its bytes are
   * @return all bytes, in the processor's byte order; empty if it is neither
   */
  static Optional<byte[]> of(Object elements) {
    if (elements instanceof long[] numbers) {
      byte[] all = new byte[numbers.length * Short.BYTES];
      ByteBuffer bytes = ByteBuffer.wrap(all).order(ByteOrder.nativeOrder());
      for (long number : numbers) {
        bytes.putShort((short) number);
      }
      return Optional.of(all);
    }
    if (!(elements instanceof byte[][] arrays)) {
      return Optional.empty();
    }
    byte[] all = new byte[arrays.length * Short.BYTES];
    ByteBuffer bytes = ByteBuffer.wrap(all).order(ByteOrder.nativeOrder());
    for (byte[] element : arrays) {
      bytes.putShort(ByteBuffer.wrap(element).order(ByteOrder.LITTLE_ENDIAN).getShort());
    }
    return Optional.of(all);
  }
}
