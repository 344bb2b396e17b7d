package io.github.kpconvx.pointcloud;

import com.github.mreutegg.laszip4j.CloseablePointIterable;
import com.github.mreutegg.laszip4j.LASPoint;
import com.github.mreutegg.laszip4j.LASReader;
import io.github.kpconvx.io.AtomicFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Locale;

/**
 * Reads and writes LAS and LAZ files as the ASPRS LAS specification 1.4 R15 lays them out.
 *
 * <p>Points are decoded by laszip4j. It reports what is wrong with a file on standard error, so
 * headers are checked here before it sees them. Its encoder knows none of the point formats from 6
 * on, hence only LAS is written, and by this class itself.
 */
final class LasFile {
  private static final int POINTS_PER_WRITE = 4096;

  private static final String SOFTWARE = "KPConvX for TensorFlow Java";

  private LasFile() {}

  static PointCloud read(Path path) {
    LasHeader header;
    try (FileChannel channel = FileChannel.open(path)) {
      header = LasHeader.read(channel, path);
    } catch (IOException e) {
      throw new PointCloudException(path + ": cannot be read: " + AtomicFile.reason(e, path), e);
    }
    int n = header.points();
    int[] x = new int[n];
    int[] y = new int[n];
    int[] z = new int[n];
    char[] intensity = new char[n];
    byte[] returnNumber = new byte[n];
    byte[] numberOfReturns = new byte[n];
    byte[] classification = new byte[n];
    char[] colors = header.hasColors() ? new char[3 * n] : null;
    int i = 0;
    if (n > 0) {
      try (CloseablePointIterable points = new LASReader(path.toFile()).getCloseablePoints()) {
        for (LASPoint point : points) {
          x[i] = point.getX();
          y[i] = point.getY();
          z[i] = point.getZ();
          intensity[i] = point.getIntensity();
          returnNumber[i] = point.getReturnNumber();
          numberOfReturns[i] = point.getNumberOfReturns();
          classification[i] = (byte) point.getClassification();
          if (colors != null) {
            colors[3 * i] = point.getRed();
            colors[3 * i + 1] = point.getGreen();
            colors[3 * i + 2] = point.getBlue();
          }
          i++;
        }
      } catch (RuntimeException e) {
        throw new PointCloudException(
            "%s: is corrupt: decoding failed after %d of %d points".formatted(path, i, n), e);
      }
    }
    if (i < n) {
      throw new PointCloudException(
          "%s: is corrupt: decoding failed after %d of %d points".formatted(path, i, n));
    }
    return new PointCloud(
        header.quantization(),
        header.coordinateSystem(),
        x,
        y,
        z,
        intensity,
        returnNumber,
        numberOfReturns,
        classification,
        colors);
  }

  static void write(PointCloud cloud, Path path) {
    if (!path.toString().toLowerCase(Locale.ROOT).endsWith(".las")) {
      throw new PointCloudException(
          path + ": expected a name that ends in .las; LAZ is read, not written");
    }
    OutputFile.write(path, temporary -> writeLas(cloud, temporary));
  }

  private static void writeLas(PointCloud cloud, Path path) throws IOException {
    try (FileChannel channel =
        FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      writeFully(channel, header(cloud));
      int length = recordLength(cloud);
      ByteBuffer records =
          ByteBuffer.allocate(POINTS_PER_WRITE * length).order(ByteOrder.LITTLE_ENDIAN);
      for (int i = 0; i < cloud.size(); i++) {
        if (!records.hasRemaining()) {
          writeFully(channel, records.flip());
          records.clear();
        }
        records.putInt(cloud.x(i)).putInt(cloud.y(i)).putInt(cloud.z(i));
        records.putShort((short) cloud.intensity(i));
        records.put((byte) (cloud.returnNumber(i) | cloud.numberOfReturns(i) << 4));
        records.put((byte) 0); // classification flags, channel, scan direction, edge of flight line
        records.put((byte) cloud.classification(i));
        records.put((byte) 0); // user data
        records.putShort((short) 0); // scan angle
        records.putShort((short) 0); // point source
        records.putDouble(0); // GPS time
        if (cloud.hasColors()) {
          records.putShort((short) cloud.red(i));
          records.putShort((short) cloud.green(i));
          records.putShort((short) cloud.blue(i));
        }
      }
      writeFully(channel, records.flip());
    }
  }

  private static void writeFully(FileChannel channel, ByteBuffer buffer) throws IOException {
    while (buffer.hasRemaining()) {
      channel.write(buffer);
    }
  }

  private static int recordLength(PointCloud cloud) {
    return cloud.hasColors() ? 36 : 30;
  }

  private static ByteBuffer header(PointCloud cloud) {
    CoordinateSystem system = cloud.coordinateSystem();
    int records = system.records().stream().mapToInt(record -> record.length).sum();
    int offset = LasHeader.SIZE_1_4 + records;
    ByteBuffer header = ByteBuffer.allocate(offset).order(ByteOrder.LITTLE_ENDIAN);
    header.put(LasHeader.ascii("LASF"));
    header.putShort(6, (short) (system.wkt() ? LasHeader.WKT : 0));
    header.put(24, (byte) 1).put(25, (byte) 4);
    header.put(58, LasHeader.ascii(SOFTWARE));
    header.putShort(94, (short) LasHeader.SIZE_1_4);
    header.putInt(96, offset);
    header.putInt(100, system.records().size());
    header.put(104, (byte) (cloud.hasColors() ? 7 : 6));
    header.putShort(105, (short) recordLength(cloud));

    Quantization quantization = cloud.quantization();
    header.putDouble(131, quantization.scaleX());
    header.putDouble(139, quantization.scaleY());
    header.putDouble(147, quantization.scaleZ());
    header.putDouble(155, quantization.offsetX());
    header.putDouble(163, quantization.offsetY());
    header.putDouble(171, quantization.offsetZ());
    Box box = Box.of(cloud);
    header.putDouble(179, quantization.x(box.maxX()));
    header.putDouble(187, quantization.x(box.minX()));
    header.putDouble(195, quantization.y(box.maxY()));
    header.putDouble(203, quantization.y(box.minY()));
    header.putDouble(211, quantization.z(box.maxZ()));
    header.putDouble(219, quantization.z(box.minZ()));

    // The 32-bit counts at 107 stay zero, as they must for point formats 6 and up.
    long[] byReturn = new long[16];
    for (int i = 0; i < cloud.size(); i++) {
      byReturn[cloud.returnNumber(i)]++;
    }
    header.putLong(247, cloud.size());
    for (int number = 1; number <= 15; number++) {
      header.putLong(247 + 8 * number, byReturn[number]);
    }
    header.position(LasHeader.SIZE_1_4);
    system.records().forEach(header::put);
    return header.flip();
  }
}
