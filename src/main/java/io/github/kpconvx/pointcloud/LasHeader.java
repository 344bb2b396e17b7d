package io.github.kpconvx.pointcloud;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/**
 * What a LAS file holds before and after its points, kept as it was read so that it can be written
 * again.
 */
final class LasHeader {
  private static final int SIZE_1_4 = 375;
  private static final int WKT = 0x10;
  private static final String SOFTWARE = "KPConvX for TensorFlow Java";

  private final byte[] header;
  private final List<byte[]> records;
  private final byte[] padding;
  private final List<byte[]> extendedRecords;
  private final PointFormat format;
  private final Quantization quantization;

  /**
   * Takes what it is given as it is.
   *
   * @param header the header itself, with whatever a program appended to it
   * @param records the variable length records, each with its 54-byte header; without those that
   *     tell how the points were compressed
   * @param padding the bytes between the last record and the points
   * @param extendedRecords the extended variable length records, each with its 60-byte header
   * @param format how a point record is laid out
   * @param quantization turns raw coordinates into real ones
   */
  LasHeader(
      byte[] header,
      List<byte[]> records,
      byte[] padding,
      List<byte[]> extendedRecords,
      PointFormat format,
      Quantization quantization) {
    this.header = header;
    this.records = records;
    this.padding = padding;
    this.extendedRecords = extendedRecords;
    this.format = format;
    this.quantization = quantization;
  }

  /** The header of a new file: LAS 1.4, point format 6, nothing known but the quantization. */
  static LasHeader of(Quantization quantization) {
    ByteBuffer header = ByteBuffer.allocate(SIZE_1_4).order(ByteOrder.LITTLE_ENDIAN);
    header.put("LASF".getBytes(ISO_8859_1));
    header.putShort(6, (short) WKT);
    header.put(24, (byte) 1).put(25, (byte) 4);
    header.putShort(94, (short) SIZE_1_4);
    header.putDouble(131, quantization.scaleX());
    header.putDouble(139, quantization.scaleY());
    header.putDouble(147, quantization.scaleZ());
    header.putDouble(155, quantization.offsetX());
    header.putDouble(163, quantization.offsetY());
    header.putDouble(171, quantization.offsetZ());
    return new LasHeader(
        header.array(), List.of(), new byte[0], List.of(), new PointFormat(6), quantization);
  }

  LasHeader withFormat(PointFormat other) {
    return new LasHeader(header, records, padding, extendedRecords, other, quantization);
  }

  PointFormat format() {
    return format;
  }

  Quantization quantization() {
    return quantization;
  }

  List<byte[]> extendedRecords() {
    return extendedRecords;
  }

  /** Where the points begin in a file that is written. */
  int pointData() {
    return header.length + records.stream().mapToInt(r -> r.length).sum() + padding.length;
  }

  /**
   * All that stands before the points.
   *
   * @param cloud the points, for their number, their box and their returns
   * @param recordLength bytes of a point record
   * @return the bytes
   */
  ByteBuffer beforePoints(PointCloud cloud, int recordLength) {
    ByteBuffer bytes = ByteBuffer.allocate(pointData()).order(ByteOrder.LITTLE_ENDIAN);
    bytes.put(header);
    records.forEach(bytes::put);
    bytes.put(padding).flip();
    byte[] software = new byte[32];
    System.arraycopy(SOFTWARE.getBytes(ISO_8859_1), 0, software, 0, SOFTWARE.length());
    bytes.put(58, software);
    bytes.putInt(96, pointData());
    bytes.putInt(100, records.size());
    bytes.put(104, (byte) format.number());
    bytes.putShort(105, (short) recordLength);
    Box box = Box.of(cloud);
    bytes.putDouble(179, quantization.x(box.maxX()));
    bytes.putDouble(187, quantization.x(box.minX()));
    bytes.putDouble(195, quantization.y(box.maxY()));
    bytes.putDouble(203, quantization.y(box.minY()));
    bytes.putDouble(211, quantization.z(box.maxZ()));
    bytes.putDouble(219, quantization.z(box.minZ()));

    long[] byReturn = new long[16];
    for (int i = 0; i < cloud.size(); i++) {
      byReturn[cloud.returnNumber(i)]++;
    }
    // The 32-bit counts stay zero for the formats that came with the 64-bit ones.
    boolean narrow = !format.extended();
    bytes.putInt(107, narrow ? cloud.size() : 0);
    for (int number = 1; number <= 5; number++) {
      bytes.putInt(107 + 4 * number, narrow ? (int) byReturn[number] : 0);
    }
    if (header[25] >= 4) {
      bytes.putLong(235, extendedRecords.isEmpty() ? 0 : end(cloud.size(), recordLength));
      bytes.putInt(243, extendedRecords.size());
      bytes.putLong(247, cloud.size());
      for (int number = 1; number <= 15; number++) {
        bytes.putLong(247 + 8 * number, byReturn[number]);
      }
    }
    return bytes;
  }

  private long end(long size, int recordLength) {
    return pointData() + size * recordLength;
  }
}
