package io.github.kpconvx.pointcloud;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads a LAS or LAZ file as the ASPRS LAS specification 1.4 R15 lays it out. What the file says of
 * its own counts, places and lengths is compared with its length before it is believed.
 */
final class LasReader {
  private static final int SIZE_1_2 = 227;
  private static final int SIZE_1_3 = 235;
  private static final int SIZE_1_4 = 375;
  private static final int RECORD_HEADER = 54;
  private static final int EXTENDED_RECORD_HEADER = 60;

  private final FileChannel channel;
  private final Path path;
  private final long size;
  private ByteBuffer header;
  private PointFormat format;
  private int recordLength;
  private int points;
  private long pointData;

  LasReader(FileChannel channel, Path path) throws IOException {
    this.channel = channel;
    this.path = path;
    this.size = channel.size();
  }

  /**
   * Reads the whole file.
   *
   * @return its points
   * @throws PointCloudException if the file is none of those that can be read, or incomplete
   * @throws IOException if reading fails
   */
  PointCloud read() throws IOException {
    header = header();
    boolean compressed = readFormat();
    readCount();
    pointData = Integer.toUnsignedLong(header.getInt(96));
    if (pointData < header.capacity()) {
      throw error(
          "is corrupt: its points begin at byte %d, inside its header".formatted(pointData));
    }
    long end = pointData + (compressed ? 0 : (long) points * recordLength);
    if (end > size) {
      throw error(
          "is incomplete: it ends before the last of its %d points (%d bytes, expected %d or more)"
              .formatted(points, size, end));
    }
    List<byte[]> records = new ArrayList<>();
    byte[] padding = readRecords(records);
    List<byte[]> extended = extendedRecords();
    PointRecords decoded = new PointRecords(points, recordLength);
    if (compressed && points > 0) {
      decompress(records, decoded);
    } else {
      for (int b = 0; b < decoded.blocks(); b++) {
        fill(decoded.block(b), pointData + (long) b * PointRecords.BLOCK * recordLength);
      }
    }
    // How the points were compressed and where lies what no longer holds.
    records.removeIf(record -> isOf(record, "laszip encoded") || isOf(record, "copc"));
    extended.removeIf(record -> isOf(record, "copc"));
    return new PointCloud(
        path.toString(),
        new LasHeader(
            bytes(0, header.capacity()),
            List.copyOf(records),
            padding,
            List.copyOf(extended),
            format,
            quantization()),
        decoded);
  }

  private ByteBuffer header() throws IOException {
    if (size == 0) {
      throw error("is empty, expected a LAS or LAZ file");
    }
    String start = new String(bytes(0, (int) Math.min(size, 42)), ISO_8859_1);
    if (start.startsWith("version https://git-lfs")) {
      throw error(
          "is a Git LFS pointer, not the file itself; \"git lfs pull\" fetches what it points at");
    }
    if (!start.startsWith("LASF")) {
      throw error("is no LAS or LAZ file: it does not start with LASF");
    }
    ByteBuffer first = littleEndian(bytes(0, SIZE_1_2));
    int major = first.get(24);
    int minor = first.get(25);
    if (major != 1 || minor < 2 || minor > 4) {
      throw error("is LAS %d.%d, expected LAS 1.2 to 1.4".formatted(major, minor));
    }
    int found = first.getChar(94);
    int expected = minor == 4 ? SIZE_1_4 : minor == 3 ? SIZE_1_3 : SIZE_1_2;
    if (found < expected) {
      throw error(
          "is corrupt: its header has %d bytes, expected %d or more".formatted(found, expected));
    }
    return littleEndian(bytes(0, found));
  }

  /** Reads how a point is laid out; returns whether the points are compressed. */
  private boolean readFormat() {
    int number = header.get(104) & 0x3f;
    if (!PointFormat.isKnown(number)) {
      throw error(
          "has point format %d, expected 0 to 3 or 6 to 8%s"
              .formatted(
                  number,
                  number == 4 || number == 5 || number == 9 || number == 10
                      ? "; those with waveforms have to be converted first"
                      : ""));
    }
    format = new PointFormat(number);
    recordLength = header.getChar(105);
    if (recordLength < format.length()) {
      throw error(
          "is corrupt: its point records have %d bytes, expected %d or more"
              .formatted(recordLength, format.length()));
    }
    // The two high bits tell that the points are compressed.
    return (header.get(104) & 0xc0) != 0;
  }

  private void readCount() {
    boolean wide = header.get(25) == 4;
    long narrow = Integer.toUnsignedLong(header.getInt(107));
    long count = wide && (format.extended() || narrow == 0) ? header.getLong(247) : narrow;
    if (count < 0 || count > Integer.MAX_VALUE) {
      throw error(
          "has %s points, expected at most %d"
              .formatted(Long.toUnsignedString(count), Integer.MAX_VALUE));
    }
    points = (int) count;
  }

  private Quantization quantization() {
    try {
      return new Quantization(
          header.getDouble(131),
          header.getDouble(139),
          header.getDouble(147),
          header.getDouble(155),
          header.getDouble(163),
          header.getDouble(171));
    } catch (PointCloudException e) {
      throw new PointCloudException(path + ": " + e.getMessage(), e);
    }
  }

  /** Reads the variable length records; returns the bytes between them and the points. */
  private byte[] readRecords(List<byte[]> records) throws IOException {
    long count = Integer.toUnsignedLong(header.getInt(100));
    long start = header.capacity();
    for (long i = 0; i < count; i++) {
      long next = Long.MAX_VALUE;
      if (start + RECORD_HEADER <= pointData) {
        next = start + RECORD_HEADER + littleEndian(bytes(start + 20, 2)).getChar();
      }
      if (next > pointData) {
        throw error(
            "is corrupt: its %d variable length records reach into its points".formatted(count));
      }
      records.add(bytes(start, (int) (next - start)));
      start = next;
    }
    return array(start, pointData - start, "bytes before its points");
  }

  private List<byte[]> extendedRecords() throws IOException {
    List<byte[]> records = new ArrayList<>();
    if (header.get(25) < 4) {
      return records;
    }
    long count = Integer.toUnsignedLong(header.getInt(243));
    long start = header.getLong(235);
    for (long i = 0; i < count; i++) {
      long length = -1;
      if (start >= pointData && start <= size - EXTENDED_RECORD_HEADER) {
        length = littleEndian(bytes(start + 20, 8)).getLong();
      }
      if (length < 0 || length > size - start - EXTENDED_RECORD_HEADER) {
        throw error(
            "is incomplete: it ends before the last of its %d extended variable length records"
                .formatted(count));
      }
      length += EXTENDED_RECORD_HEADER;
      records.add(array(start, length, "bytes in one extended variable length record"));
      start += length;
    }
    return records;
  }

  private void decompress(List<byte[]> records, PointRecords decoded) throws IOException {
    byte[] description =
        records.stream()
            .filter(record -> isOf(record, "laszip encoded"))
            .findFirst()
            .orElseThrow(
                () ->
                    error(
                        "is corrupt: its points are compressed, "
                            + "but it has no record \"laszip encoded\""));
    ByteBuffer payload =
        ByteBuffer.wrap(description, RECORD_HEADER, description.length - RECORD_HEADER).slice();
    new LazDecoder(this, payload.order(ByteOrder.LITTLE_ENDIAN), format).decode(decoded);
  }

  private static boolean isOf(byte[] record, String user) {
    String text = new String(record, 2, 16, ISO_8859_1);
    int end = text.indexOf('\0');
    return (end < 0 ? text : text.substring(0, end)).equals(user);
  }

  static ByteBuffer littleEndian(byte[] bytes) {
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Bytes of the file. */
  long size() {
    return size;
  }

  /** Where the points begin. */
  long pointData() {
    return pointData;
  }

  private byte[] array(long start, long length, String what) throws IOException {
    if (length > Integer.MAX_VALUE - 16) {
      throw error("has %d %s, expected at most %d".formatted(length, what, Integer.MAX_VALUE - 16));
    }
    return bytes(start, (int) length);
  }

  /** Bytes of the file; an error says that it is incomplete where it has not as many. */
  byte[] bytes(long start, int length) throws IOException {
    if (start > size - length) {
      throw error("is incomplete: it ends inside its header");
    }
    byte[] bytes = new byte[length];
    fill(bytes, start);
    return bytes;
  }

  private void fill(byte[] bytes, long start) throws IOException {
    ByteBuffer rest = ByteBuffer.wrap(bytes);
    while (rest.hasRemaining()) {
      if (channel.read(rest, start + rest.position()) < 0) {
        throw error("is incomplete: it became shorter while it was read");
      }
    }
  }

  PointCloudException error(String message) {
    return new PointCloudException(path + ": " + message);
  }
}
