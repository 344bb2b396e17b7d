package io.github.kpconvx.pointcloud;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * The header of a LAS or LAZ file, checked against the file.
 *
 * @param points the number of points
 * @param format the point format, 0 to 3 or 6 to 8
 * @param quantization turns raw coordinates into real ones
 * @param coordinateSystem what it says of the coordinate reference system
 */
record LasHeader(
    int points, int format, Quantization quantization, CoordinateSystem coordinateSystem) {
  /** Size of the header of LAS 1.4, in bytes. */
  static final int SIZE_1_4 = 375;

  /** Bit of the global encoding: the coordinate reference system is well-known text. */
  static final int WKT = 0x10;

  private static final int SIZE_1_2 = 227;
  private static final int SIZE_1_3 = 235;
  private static final int RECORD_HEADER = 54;
  private static final int EXTENDED_RECORD_HEADER = 60;
  private static final int[] RECORD_LENGTHS = {20, 28, 26, 34, 0, 0, 30, 36, 38};
  private static final Set<Integer> COLORED = Set.of(2, 3, 7, 8);

  boolean hasColors() {
    return COLORED.contains(format);
  }

  static byte[] ascii(String text) {
    return text.getBytes(ISO_8859_1);
  }

  /**
   * Reads and checks the header.
   *
   * @param channel the file
   * @param path its name, for messages
   * @return the header
   * @throws PointCloudException if the file is none of those that can be read, or incomplete
   * @throws IOException if reading fails
   */
  static LasHeader read(FileChannel channel, Path path) throws IOException {
    return new Reader(channel, path).read();
  }

  private static final class Reader {
    private final FileChannel channel;
    private final Path path;
    private final long size;

    Reader(FileChannel channel, Path path) throws IOException {
      this.channel = channel;
      this.path = path;
      this.size = channel.size();
    }

    LasHeader read() throws IOException {
      if (size == 0) {
        throw error("is empty, expected a LAS or LAZ file");
      }
      if (size < 4 || !text(bytes(0, 4), 0, 4).equals("LASF")) {
        throw error("is no LAS or LAZ file: it does not start with LASF");
      }
      ByteBuffer header = littleEndian(bytes(0, SIZE_1_2));
      int major = header.get(24);
      int minor = header.get(25);
      if (major != 1 || minor < 2 || minor > 4) {
        throw error("is LAS %d.%d, expected LAS 1.2 to 1.4".formatted(major, minor));
      }
      int headerSize = header.getChar(94);
      int expectedSize = minor == 4 ? SIZE_1_4 : minor == 3 ? SIZE_1_3 : SIZE_1_2;
      if (headerSize < expectedSize) {
        throw error(
            "is corrupt: its header has %d bytes, expected %d or more"
                .formatted(headerSize, expectedSize));
      }
      header = littleEndian(bytes(0, expectedSize));
      // The two high bits tell that the points are compressed.
      boolean compressed = (header.get(104) & 0xc0) != 0;
      int format = header.get(104) & 0x3f;
      if (format >= RECORD_LENGTHS.length || RECORD_LENGTHS[format] == 0) {
        throw error("has point format %d, expected 0 to 3 or 6 to 8".formatted(format));
      }
      int recordLength = header.getChar(105);
      if (recordLength < RECORD_LENGTHS[format]) {
        throw error(
            "is corrupt: its point records have %d bytes, expected %d or more"
                .formatted(recordLength, RECORD_LENGTHS[format]));
      }
      long count = Integer.toUnsignedLong(header.getInt(107));
      if (minor == 4 && (format >= 6 || count == 0)) {
        count = header.getLong(247);
      }
      if (count < 0 || count > Integer.MAX_VALUE / 3) {
        throw error(
            "has %s points, expected at most %d"
                .formatted(Long.toUnsignedString(count), Integer.MAX_VALUE / 3));
      }
      Quantization quantization;
      try {
        quantization =
            new Quantization(
                header.getDouble(131),
                header.getDouble(139),
                header.getDouble(147),
                header.getDouble(155),
                header.getDouble(163),
                header.getDouble(171));
      } catch (PointCloudException e) {
        throw new PointCloudException(path + ": " + e.getMessage(), e);
      }

      long pointData = Integer.toUnsignedLong(header.getInt(96));
      if (pointData > size || (!compressed && pointData + count * recordLength > size)) {
        throw error("is incomplete: it ends before the last of its %d points".formatted(count));
      }
      List<byte[]> records = records(header, headerSize, pointData);
      if (compressed && count > 0) {
        checkChunks(records, pointData);
      }
      if (minor == 4 && header.getInt(243) != 0) {
        long start = header.getLong(235);
        if (start < 0 || start + EXTENDED_RECORD_HEADER > size) {
          throw error("is incomplete: it ends before its extended variable length records");
        }
      }
      records.removeIf(record -> !userId(record).equals("LASF_Projection"));
      boolean wkt = records.isEmpty() || (header.getChar(6) & WKT) != 0;
      return new LasHeader(
          (int) count, format, quantization, new CoordinateSystem(wkt, List.copyOf(records)));
    }

    private List<byte[]> records(ByteBuffer header, int headerSize, long end) throws IOException {
      List<byte[]> records = new ArrayList<>();
      long count = Integer.toUnsignedLong(header.getInt(100));
      long start = headerSize;
      for (long i = 0; i < count; i++) {
        long next = end + 1;
        if (start + RECORD_HEADER <= end) {
          next = start + RECORD_HEADER + littleEndian(bytes(start + 20, 2)).getChar();
        }
        if (next > end) {
          throw error(
              "is corrupt: its %d variable length records reach into its points".formatted(count));
        }
        records.add(bytes(start, (int) (next - start)));
        start = next;
      }
      return records;
    }

    /** The chunk table stands after the points: without it the file was cut short. */
    private void checkChunks(List<byte[]> records, long pointData) throws IOException {
      byte[] laszip =
          records.stream()
              .filter(record -> userId(record).equals("laszip encoded"))
              .filter(record -> record.length >= RECORD_HEADER + 34)
              .findFirst()
              .orElseThrow(
                  () ->
                      error(
                          "is corrupt: its points are compressed, "
                              + "but it has no record \"laszip encoded\""));
      int compressor = littleEndian(laszip).getChar(RECORD_HEADER);
      if (compressor < 2) {
        return; // all points in one chunk, no table
      }
      long table = pointData + 8 > size ? size : littleEndian(bytes(pointData, 8)).getLong();
      if (table == -1) {
        table = littleEndian(bytes(size - 8, 8)).getLong();
      }
      if (table < pointData + 8 || table > size - 8) {
        throw error("is incomplete: it ends before the table of its compressed points");
      }
    }

    private static String userId(byte[] record) {
      return text(record, 2, 16);
    }

    private static String text(byte[] bytes, int start, int length) {
      String text = new String(bytes, start, length, ISO_8859_1);
      int end = text.indexOf('\0');
      return end < 0 ? text : text.substring(0, end);
    }

    private static ByteBuffer littleEndian(byte[] bytes) {
      return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    private byte[] bytes(long start, int length) throws IOException {
      byte[] bytes = new byte[length];
      ByteBuffer rest = ByteBuffer.wrap(bytes);
      while (rest.hasRemaining()) {
        if (channel.read(rest, start + rest.position()) < 0) {
          throw error("is incomplete: it ends inside its header");
        }
      }
      return bytes;
    }

    private PointCloudException error(String message) {
      return new PointCloudException(path + ": " + message);
    }
  }
}
