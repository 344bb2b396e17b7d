package io.github.kpconvx.numpy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * An array as a {@code .npy} file holds it: type, shape, and the elements in C order. Immutable.
 *
 * @see <a href="https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html">The npy
 *     format</a>
 */
public final class NpyArray {
  private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y'};
  private static final String BIG_ENDIAN = ">";
  private static final Pattern HEADER =
      Pattern.compile(
          "\\s*\\{\\s*'descr'\\s*:\\s*'(?<descr>[^']*)'\\s*,\\s*'fortran_order'\\s*:\\s*(?<fortran>True|False)\\s*,"
              + "\\s*'shape'\\s*:\\s*\\((?<shape>[0-9,\\s]*)\\)\\s*,?\\s*\\}\\s*");

  /** The element types that are read and written. */
  public enum Type {
    /** 32-bit floating point. */
    FLOAT32("<f4", 4),
    /** 64-bit floating point. */
    FLOAT64("<f8", 8),
    /** 32-bit signed integer. */
    INT32("<i4", 4),
    /** 64-bit signed integer. */
    INT64("<i8", 8),
    /** 8-bit signed integer. */
    INT8("|i1", 1),
    /** 16-bit signed integer. */
    INT16("<i2", 2),
    /** 16-bit floating point. */
    FLOAT16("<f2", 2),
    /**
     * The upper half of a float32, as the package ml_dtypes stores it, which gives NumPy this type.
     */
    BFLOAT16("<V2", 2),
    /** 16-bit unsigned integer. */
    UINT16("<u2", 2),
    /** Unsigned byte. */
    UINT8("|u1", 1),
    /** 32-bit unsigned integer. */
    UINT32("<u4", 4),
    /** 64-bit unsigned integer. */
    UINT64("<u8", 8),
    /** One byte, 0 or 1. */
    BOOL("|b1", 1),
    /** Texts of Unicode, all in the room of the longest, NumPy's {@code str_}. */
    TEXT("<U", 0),
    /** Strings of bytes, all in the room of the longest, NumPy's {@code bytes_}. */
    BYTES("|S", 0);

    private final String descr;
    private final int size;

    Type(String descr, int size) {
      this.descr = descr;
      this.size = size;
    }

    /**
     * NumPy's name.
     *
     * @return such as {@code float32}
     */
    public String numpyName() {
      return name().toLowerCase(java.util.Locale.ROOT);
    }

    /**
     * How large an element is.
     *
     * @return its bytes; 0 for texts and strings of bytes, whose room is the array's own
     */
    public int size() {
      return size;
    }

    /**
     * Whether elements are floating-point numbers.
     *
     * @return true if so
     */
    public boolean isFloat() {
      return switch (this) {
        case FLOAT16, BFLOAT16, FLOAT32, FLOAT64 -> true;
        default -> false;
      };
    }

    /**
     * Whether elements are integers, signed or not.
     *
     * @return true if so
     */
    public boolean isInteger() {
      return !isFloat() && this != BOOL && !isString();
    }

    /**
     * Whether elements are texts or strings of bytes.
     *
     * @return true if so
     */
    public boolean isString() {
      return this == TEXT || this == BYTES;
    }
  }

  /** What NumPy calls types of strings: the type, and the characters or bytes there is room for. */
  private static final Pattern STRING = Pattern.compile("(?<type>[<>]U|\\|S)(?<room>[0-9]{1,9})");

  /** NumPy keeps characters as UTF-32. */
  private static final int CHARACTER = 4;

  private static final Charset UTF_32 = Charset.forName("UTF-32LE");

  private final Type type;
  private final long[] shape;
  private final ByteBuffer data;
  private final int itemSize;

  private NpyArray(Type type, long[] shape, ByteBuffer data) {
    this(type, type.size, shape, data);
  }

  private NpyArray(Type type, int itemSize, long[] shape, ByteBuffer data) {
    this.type = type;
    this.itemSize = itemSize;
    this.shape = shape;
    this.data = data;
  }

  /**
   * An array of float32.
   *
   * @param values the elements in C order
   * @param shape the shape
   * @return the array
   */
  public static NpyArray of(float[] values, long... shape) {
    ByteBuffer data = allocate(Type.FLOAT32, values.length, shape);
    data.asFloatBuffer().put(values);
    return new NpyArray(Type.FLOAT32, shape.clone(), data);
  }

  /**
   * An array of int32.
   *
   * @param values the elements in C order
   * @param shape the shape
   * @return the array
   */
  public static NpyArray of(int[] values, long... shape) {
    ByteBuffer data = allocate(Type.INT32, values.length, shape);
    data.asIntBuffer().put(values);
    return new NpyArray(Type.INT32, shape.clone(), data);
  }

  /**
   * An array of int64.
   *
   * @param values the elements in C order
   * @param shape the shape
   * @return the array
   */
  public static NpyArray of(long[] values, long... shape) {
    ByteBuffer data = allocate(Type.INT64, values.length, shape);
    data.asLongBuffer().put(values);
    return new NpyArray(Type.INT64, shape.clone(), data);
  }

  /**
   * An array of strings of bytes.
   *
   * @param values the elements in C order
   * @param shape the shape
   * @return the array
   * @throws NumpyException if the shape holds another number of elements, or one ends with a zero
   *     byte, which NumPy takes for the end
   */
  public static NpyArray ofBytes(List<byte[]> values, long... shape) {
    for (byte[] value : values) {
      if (value.length > 0 && value[value.length - 1] == 0) {
        throw new NumpyException(
            "String of bytes %d of %d ends with a zero byte, which arrays of NumPy do not keep"
                .formatted(values.indexOf(value), values.size()));
      }
    }
    return strings(Type.BYTES, 1, values, shape);
  }

  /**
   * An array of texts.
   *
   * @param values the elements in C order
   * @param shape the shape
   * @return the array
   * @throws NumpyException if the shape holds another number of elements
   */
  public static NpyArray ofTexts(List<String> values, long... shape) {
    return strings(
        Type.TEXT, CHARACTER, values.stream().map(text -> text.getBytes(UTF_32)).toList(), shape);
  }

  /** With room for the longest, and for one character at least, as NumPy has it. */
  private static NpyArray strings(Type type, int least, List<byte[]> values, long... shape) {
    requireElements(values.size(), shape);
    int room = values.stream().mapToInt(value -> value.length).reduce(least, Math::max);
    ByteBuffer data = buffer(Math.multiplyExact(room, values.size()));
    for (int i = 0; i < values.size(); i++) {
      data.put(i * room, values.get(i));
    }
    return new NpyArray(type, room, shape.clone(), data);
  }

  /**
   * An array of any type of numbers or booleans.
   *
   * @param type the type
   * @param data the elements in C order, little-endian; copied
   * @param shape the shape
   * @return the array
   * @throws NumpyException if the shape holds another number of elements
   */
  public static NpyArray of(Type type, ByteBuffer data, long... shape) {
    if (type.isString()) {
      throw new NumpyException("Strings are given one by one, not as the memory of an array");
    }
    ByteBuffer own = allocate(type, data.remaining() / type.size, shape);
    own.put(data.duplicate()).rewind();
    return new NpyArray(type, shape.clone(), own);
  }

  /**
   * Arrays one above the other along a new first axis.
   *
   * @param arrays at least one, all of one type and shape
   * @return an array of shape (number of arrays, …)
   * @throws NumpyException if they differ in type or shape
   */
  public static NpyArray stack(List<NpyArray> arrays) {
    NpyArray first = arrays.get(0);
    int length = first.data.capacity();
    ByteBuffer data = buffer(Math.multiplyExact(length, arrays.size()));
    for (NpyArray array : arrays) {
      if (array.type != first.type
          || array.itemSize != first.itemSize
          || !Arrays.equals(array.shape, first.shape)) {
        throw new NumpyException(array + " cannot be stacked onto " + first);
      }
      data.put(array.data.duplicate().rewind());
    }
    long[] shape = new long[first.shape.length + 1];
    shape[0] = arrays.size();
    System.arraycopy(first.shape, 0, shape, 1, first.shape.length);
    return new NpyArray(first.type, first.itemSize, shape, data.rewind());
  }

  /**
   * The elements of the first axis, each an array: what {@link #stack} put together.
   *
   * @return arrays of shape (…)
   * @throws NumpyException if the array is a scalar
   */
  public List<NpyArray> unstack() {
    if (shape.length == 0) {
      throw new NumpyException("A scalar has no first axis");
    }
    long[] rest = Arrays.copyOfRange(shape, 1, shape.length);
    List<NpyArray> arrays = new ArrayList<>();
    int length = shape[0] == 0 ? 0 : data.capacity() / Math.toIntExact(shape[0]);
    for (int i = 0; i < shape[0]; i++) {
      arrays.add(
          new NpyArray(type, itemSize, rest, data.slice(i * length, length).order(data.order())));
    }
    return arrays;
  }

  /**
   * An array of bool.
   *
   * @param values the elements in C order
   * @param shape the shape
   * @return the array
   */
  public static NpyArray of(boolean[] values, long... shape) {
    ByteBuffer data = allocate(Type.BOOL, values.length, shape);
    for (int i = 0; i < values.length; i++) {
      data.put(i, (byte) (values[i] ? 1 : 0));
    }
    return new NpyArray(Type.BOOL, shape.clone(), data);
  }

  private static ByteBuffer allocate(Type type, int length, long... shape) {
    requireElements(length, shape);
    return buffer(Math.multiplyExact(length, type.size));
  }

  private static void requireElements(int length, long... shape) {
    long expected = Arrays.stream(shape).reduce(1, Math::multiplyExact);
    if (expected != length) {
      throw new NumpyException(
          "Shape " + describe(shape) + " holds " + expected + " elements, got " + length);
    }
  }

  private static ByteBuffer buffer(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  /**
   * Reads the bytes of a {@code .npy} file.
   *
   * @param name what they are, for messages
   * @param bytes the file's bytes
   * @return the array
   * @throws NumpyException if they are no such file, cut short or of an unsupported type
   */
  static NpyArray parse(String name, byte[] bytes) {
    ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    if (bytes.length < 12 || !Arrays.equals(MAGIC, 0, 6, bytes, 0, 6)) {
      throw new NumpyException(name + " is no NumPy array: it does not start with \\x93NUMPY");
    }
    int start = bytes[6] == 1 ? 10 : 12;
    long headerLength = bytes[6] == 1 ? Short.toUnsignedInt(buffer.getShort(8)) : buffer.getInt(8);
    if (headerLength < 0 || headerLength > bytes.length - start) {
      throw new NumpyException(name + " is cut short: its header says " + headerLength + " bytes");
    }
    String header = new String(bytes, start, (int) headerLength, StandardCharsets.UTF_8);
    Matcher matcher = HEADER.matcher(header);
    if (!matcher.matches()) {
      throw new NumpyException(name + " has an unsupported header: " + header.strip());
    }
    Type type = type(name, matcher.group("descr"));
    int itemSize = itemSize(type, matcher.group("descr"));
    long[] shape =
        Arrays.stream(matcher.group("shape").split(","))
            .map(String::strip)
            .filter(part -> !part.isEmpty())
            .mapToLong(part -> dimension(name, part))
            .toArray();
    int offset = start + (int) headerLength;
    long found = (long) bytes.length - offset;
    long expected = itemSize;
    for (long dimension : shape) {
      if (dimension != 0 && expected > Integer.MAX_VALUE / dimension) {
        throw new NumpyException(name + " of shape " + describe(shape) + " is larger than 2 GiB");
      }
      expected *= dimension;
    }
    if (found != expected) {
      throw new NumpyException(
          name
              + " of shape "
              + describe(shape)
              + " should hold "
              + expected
              + " bytes, found "
              + found);
    }
    ByteBuffer data = buffer.slice(offset, (int) found).order(ByteOrder.LITTLE_ENDIAN);
    if (matcher.group("descr").startsWith(BIG_ENDIAN)) {
      data = swapped(data, type == Type.TEXT ? CHARACTER : itemSize);
    }
    if (matcher.group("fortran").equals("True") && shape.length > 1 && itemSize > 0) {
      data = fromFortranOrder(data, shape, itemSize);
    }
    return new NpyArray(type, itemSize, shape, data);
  }

  /** The elements with their bytes turned round. */
  private static ByteBuffer swapped(ByteBuffer data, int size) {
    ByteBuffer swapped = buffer(data.capacity());
    for (int element = 0; element < data.capacity(); element += size) {
      for (int b = 0; b < size; b++) {
        swapped.put(element + b, data.get(element + size - 1 - b));
      }
    }
    return swapped;
  }

  /** The elements in C order, the last index running fastest, of those whose first index does. */
  private static ByteBuffer fromFortranOrder(ByteBuffer data, long[] shape, int size) {
    ByteBuffer ordered = buffer(data.capacity());
    long[] index = new long[shape.length];
    for (int to = 0; to < data.capacity(); to += size) {
      long from = 0;
      for (int d = shape.length - 1; d >= 0; d--) {
        from = from * shape[d] + index[d];
      }
      ordered.put(to, data, Math.toIntExact(from * size), size);
      for (int d = shape.length - 1; d >= 0 && ++index[d] == shape[d]; d--) {
        index[d] = 0;
      }
    }
    return ordered;
  }

  private static long dimension(String name, String digits) {
    try {
      return Long.parseLong(digits);
    } catch (NumberFormatException e) {
      throw new NumpyException(name + " has a dimension that is no size: " + digits, e);
    }
  }

  private static Type type(String name, String descr) {
    Matcher string = STRING.matcher(descr);
    if (string.matches()) {
      return string.group("type").equals(Type.BYTES.descr) ? Type.BYTES : Type.TEXT;
    }
    // Not bfloat16: NumPy has no order of its bytes, as it takes it for two bytes of anything.
    String ordered = descr.startsWith(BIG_ENDIAN) ? "<" + descr.substring(1) : descr;
    for (Type type : Type.values()) {
      if (!type.isString()
          && type.descr.equals(ordered)
          && (type != Type.BFLOAT16 || ordered.equals(descr))) {
        return type;
      }
    }
    String known =
        Arrays.stream(Type.values()).map(Type::numpyName).collect(Collectors.joining(", "));
    throw new NumpyException(
        name + " has elements of type '" + descr + "'; supported are " + known);
  }

  /** Bytes of an element of a type as NumPy calls it; texts have four for each character. */
  private static int itemSize(Type type, String descr) {
    Matcher string = STRING.matcher(descr);
    if (!string.matches()) {
      return type.size;
    }
    long room = Long.parseLong(string.group("room"));
    // What is larger is refused with the array, which cannot be as large.
    return (int) Math.min(Integer.MAX_VALUE, type == Type.TEXT ? room * CHARACTER : room);
  }

  private String descr() {
    return switch (type) {
      case TEXT -> type.descr + itemSize / CHARACTER;
      case BYTES -> type.descr + itemSize;
      default -> type.descr;
    };
  }

  /**
   * The bytes of a {@code .npy} file.
   *
   * @return header and elements
   */
  byte[] toBytes() {
    String tuple =
        Arrays.stream(shape).mapToObj(Long::toString).collect(Collectors.joining(", "))
            + (shape.length == 1 ? "," : "");
    String header =
        "{'descr': '" + descr() + "', 'fortran_order': False, 'shape': (" + tuple + "), }";
    // Format 1.0: magic, version and length take 10 bytes; the elements start at a multiple of 64.
    int length = (10 + header.length() + 1 + 63) / 64 * 64 - 10;
    ByteBuffer out =
        ByteBuffer.allocate(10 + length + data.capacity()).order(ByteOrder.LITTLE_ENDIAN);
    out.put(MAGIC).put((byte) 1).put((byte) 0).putShort((short) length);
    out.put(
        (header + " ".repeat(length - header.length() - 1) + "\n")
            .getBytes(StandardCharsets.US_ASCII));
    out.put(bytes());
    return out.array();
  }

  /**
   * The element type.
   *
   * @return the type
   */
  public Type type() {
    return type;
  }

  /**
   * The shape.
   *
   * @return a copy of it
   */
  public long[] shape() {
    return shape.clone();
  }

  /**
   * Number of elements.
   *
   * @return the product of the shape
   */
  public int size() {
    return Math.toIntExact(Arrays.stream(shape).reduce(1, Math::multiplyExact));
  }

  /**
   * The elements in C order, little-endian.
   *
   * @return a read-only buffer
   */
  public ByteBuffer bytes() {
    return data.asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
  }

  /**
   * The elements of a float32 array.
   *
   * @return a new array in C order
   * @throws NumpyException if the elements are of another type
   */
  public float[] toFloats() {
    require(Type.FLOAT32);
    float[] values = new float[size()];
    data.duplicate().order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
    return values;
  }

  /**
   * The elements of an array of floating-point numbers.
   *
   * @return a new array in C order
   * @throws NumpyException if the elements are of another type
   */
  public double[] toDoubles() {
    double[] values = new double[size()];
    ByteBuffer elements = bytes();
    switch (type) {
      case FLOAT16 -> Arrays.setAll(values, i -> half(elements.getShort(2 * i)));
      case BFLOAT16 ->
          Arrays.setAll(values, i -> Float.intBitsToFloat(elements.getShort(2 * i) << 16));
      case FLOAT32 -> Arrays.setAll(values, i -> elements.getFloat(4 * i));
      default -> {
        require(Type.FLOAT64);
        elements.asDoubleBuffer().get(values);
      }
    }
    return values;
  }

  /** The number that 16 bits are: sign, 5 bits of exponent, 10 of mantissa (IEEE 754). */
  private static double half(short bits) {
    int exponent = bits >> 10 & 31;
    int mantissa = bits & 1023;
    double magnitude =
        switch (exponent) {
          case 0 -> mantissa * 0x1p-24;
          case 31 -> mantissa == 0 ? Double.POSITIVE_INFINITY : Double.NaN;
          default -> (1024 + mantissa) * Math.scalb(1.0, exponent - 25);
        };
    return bits < 0 ? -magnitude : magnitude;
  }

  /**
   * The elements of an int32 array.
   *
   * @return a new array in C order
   * @throws NumpyException if the elements are of another type
   */
  public int[] toInts() {
    require(Type.INT32);
    int[] values = new int[size()];
    data.duplicate().order(ByteOrder.LITTLE_ENDIAN).asIntBuffer().get(values);
    return values;
  }

  /**
   * The elements of an array of integers.
   *
   * @return a new array in C order
   * @throws NumpyException if the elements are of another type, or one of uint64 is too large
   */
  public long[] toLongs() {
    long[] values = new long[size()];
    ByteBuffer elements = bytes();
    switch (type) {
      case INT8 -> Arrays.setAll(values, elements::get);
      case UINT8 -> Arrays.setAll(values, i -> Byte.toUnsignedLong(elements.get(i)));
      case INT16 -> Arrays.setAll(values, i -> elements.getShort(2 * i));
      case UINT16 -> Arrays.setAll(values, i -> Short.toUnsignedLong(elements.getShort(2 * i)));
      case INT32 -> Arrays.setAll(values, i -> elements.getInt(4 * i));
      case UINT32 -> Arrays.setAll(values, i -> Integer.toUnsignedLong(elements.getInt(4 * i)));
      case UINT64 -> Arrays.setAll(values, i -> signed(i, elements.getLong(8 * i)));
      default -> {
        require(Type.INT64);
        elements.asLongBuffer().get(values);
      }
    }
    return values;
  }

  private long signed(int i, long element) {
    if (element < 0) {
      throw unfit(i, Long.toUnsignedString(element), Type.INT64);
    }
    return element;
  }

  /**
   * The same elements as those of another type: integers as integers, floating-point numbers as
   * float32 or float64, texts as strings of bytes in UTF-8.
   *
   * @param other the other type
   * @return an array of that type and this shape; this one if it is of that type
   * @throws NumpyException if the other type cannot hold an element as it is, or is of another kind
   */
  public NpyArray as(Type other) {
    if (other == type) {
      return this;
    }
    if (type == Type.TEXT && other == Type.BYTES) {
      return ofBytes(toByteStrings(), shape);
    }
    if (type.isInteger() && other.isInteger()) {
      return integers(other);
    }
    if (type.isFloat() && other == Type.FLOAT32) {
      return singles();
    }
    if (type.isFloat() && other == Type.FLOAT64) {
      ByteBuffer converted = allocate(other, size(), shape);
      converted.asDoubleBuffer().put(toDoubles());
      return new NpyArray(other, shape, converted);
    }
    throw new NumpyException(this + " is not " + other.numpyName() + ", nor converted to it");
  }

  private NpyArray integers(Type other) {
    long[] values = toLongs();
    int bits = 8 * other.size;
    boolean unsigned = other.name().startsWith("U");
    // Of 64 bits both hold all that is there but, unsigned, what is negative.
    long highest = bits == 64 ? Long.MAX_VALUE : (1L << (unsigned ? bits : bits - 1)) - 1;
    long lowest = unsigned ? 0 : -highest - 1;
    ByteBuffer converted = allocate(other, values.length, shape);
    for (int i = 0; i < values.length; i++) {
      long value = values[i];
      if (value < lowest || value > highest) {
        throw unfit(i, Long.toString(value), other);
      }
      switch (other.size) {
        case 1 -> converted.put(i, (byte) value);
        case 2 -> converted.putShort(2 * i, (short) value);
        case 4 -> converted.putInt(4 * i, (int) value);
        default -> converted.putLong(8 * i, value);
      }
    }
    return new NpyArray(other, shape, converted);
  }

  private NpyArray singles() {
    double[] values = toDoubles();
    float[] singles = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      singles[i] = (float) values[i];
      if (Double.compare(singles[i], values[i]) != 0) {
        throw unfit(i, Double.toString(values[i]), Type.FLOAT32);
      }
    }
    return of(singles, shape);
  }

  private NumpyException unfit(int i, String value, Type other) {
    long[] place = new long[shape.length];
    long rest = i;
    for (int d = shape.length - 1; d >= 0; d--) {
      place[d] = rest % shape[d];
      rest /= shape[d];
    }
    return new NumpyException(
        "%s holds %s at %s, which %s cannot hold; convert it before, in the way that is meant"
            .formatted(this, value, Arrays.toString(place), other.numpyName()));
  }

  /**
   * The elements of an array of strings of bytes, or of texts, in UTF-8.
   *
   * @return a new list in C order, without the zeros that fill an element's room
   * @throws NumpyException if the elements are of another type
   */
  public List<byte[]> toByteStrings() {
    if (type == Type.TEXT) {
      return toTexts().stream().map(text -> text.getBytes(StandardCharsets.UTF_8)).toList();
    }
    require(Type.BYTES);
    return elements(1);
  }

  /**
   * The elements of an array of texts.
   *
   * @return a new list in C order
   * @throws NumpyException if the elements are of another type
   */
  public List<String> toTexts() {
    require(Type.TEXT);
    return elements(CHARACTER).stream().map(text -> new String(text, UTF_32)).toList();
  }

  /** Each element's bytes up to the zeros at its end, in units of so many bytes. */
  private List<byte[]> elements(int unit) {
    List<byte[]> elements = new ArrayList<>();
    for (int i = 0; i < size(); i++) {
      byte[] element = new byte[itemSize];
      data.get(i * itemSize, element);
      int end = itemSize;
      while (end > 0 && element[end - 1] == 0) {
        end--;
      }
      elements.add(Arrays.copyOf(element, (end + unit - 1) / unit * unit));
    }
    return elements;
  }

  /**
   * The elements of a bool array.
   *
   * @return a new array in C order
   * @throws NumpyException if the elements are of another type
   */
  public boolean[] toBooleans() {
    require(Type.BOOL);
    boolean[] values = new boolean[size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = data.get(i) != 0;
    }
    return values;
  }

  private void require(Type expected) {
    if (type != expected) {
      throw new NumpyException(
          "Array " + this + " holds " + type.numpyName() + ", expected " + expected.numpyName());
    }
  }

  private static String describe(long[] shape) {
    return Arrays.stream(shape)
        .mapToObj(Long::toString)
        .collect(Collectors.joining(", ", "(", ")"));
  }

  /**
   * Type and shape.
   *
   * @return such as {@code float32 (2, 3)}
   */
  @Override
  public String toString() {
    return type.numpyName() + " " + describe(shape);
  }
}
