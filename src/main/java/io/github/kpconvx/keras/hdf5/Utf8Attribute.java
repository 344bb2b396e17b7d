package io.github.kpconvx.keras.hdf5;

import io.jhdf.api.Attribute;
import io.jhdf.object.datatype.DataType;
import io.jhdf.object.datatype.StringData;
import io.jhdf.object.datatype.StringData.PaddingType;
import io.jhdf.object.datatype.VariableLength;
import java.lang.reflect.Array;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Reads texts among attributes as UTF-8. Python writes the bytes of UTF-8 under the name of ASCII
 * ({@code name.encode("utf8")} of Keras becomes that in h5py), and jHDF believes the name and puts
 * a replacement for every byte that is none of ASCII's. Both kinds of text are the same where all
 * is ASCII.
 *
 * @see <a
 *     href="https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html#DatatypeMessage">The
 *     datatype message of HDF5</a>
 */
final class Utf8Attribute {
  private static final int VERSION_1 = 0x10;
  private static final int FIXED_POINT = 0;
  private static final int STRING = 3;
  private static final int VARIABLE_LENGTH = 9;
  private static final int UTF_8 = 1;
  private static final int CHARACTERS = 1;

  private Utf8Attribute() {}

  /**
   * The value of an attribute.
   *
   * @param attribute an attribute that is not empty
   * @return a text or an array of texts, or whatever else it holds
   */
  static Object data(Attribute attribute) {
    DataType type = attribute.getDataType();
    ByteBuffer utf8 = ByteBuffer.allocate(20).order(ByteOrder.LITTLE_ENDIAN);
    if (type instanceof StringData text) {
      int padding = code(text.getPaddingType());
      utf8.put((byte) (VERSION_1 | STRING)).put((byte) (padding | UTF_8 << 4)).putShort((short) 0);
      utf8.putInt(type.getSize());
    } else if (type instanceof VariableLength text && text.isVariableLengthString()) {
      int padding = code(text.getPaddingType());
      utf8.put((byte) (VERSION_1 | VARIABLE_LENGTH)).put((byte) (CHARACTERS | padding << 4));
      utf8.put((byte) UTF_8).put((byte) 0).putInt(type.getSize());
      // What it is made of: unsigned bytes.
      utf8.put((byte) (VERSION_1 | FIXED_POINT)).put(new byte[3]).putInt(1);
      utf8.putShort((short) 0).putShort((short) Byte.SIZE);
    } else {
      return attribute.getData();
    }
    int[] dimensions = attribute.getDimensions();
    boolean scalar = dimensions.length == 0;
    Object values =
        DataType.readDataType(utf8.flip())
            .fillData(
                attribute.getBuffer(),
                scalar ? new int[] {1} : dimensions,
                attribute.getNode().getHdfFile().getHdfBackingStorage());
    return scalar ? Array.get(values, 0) : values;
  }

  /** As the datatype message numbers it. */
  private static int code(PaddingType padding) {
    return switch (padding) {
      case NULL_TERMINATED -> 0;
      case NULL_PADDED -> 1;
      case SPACE_PADDED -> 2;
    };
  }
}
