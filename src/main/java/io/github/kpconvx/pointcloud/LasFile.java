package io.github.kpconvx.pointcloud;

import io.github.kpconvx.io.AtomicFile;
import io.github.kpconvx.io.Failures;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Locale;

/** Opens LAS and LAZ files to read, and writes LAS files. */
final class LasFile {
  private LasFile() {}

  static PointCloud read(Path path) {
    try (FileChannel channel = FileChannel.open(path)) {
      return new LasReader(channel, path).read();
    } catch (IOException e) {
      throw new PointCloudException(path + ": cannot be read: " + Failures.reason(e), e);
    }
  }

  static void write(PointCloud cloud, LasHeader header, PointRecords records, Path path) {
    if (!path.toString().toLowerCase(Locale.ROOT).endsWith(".las")) {
      throw new PointCloudException(
          path + ": expected a name that ends in .las; LAZ is read, not written");
    }
    try {
      AtomicFile.write(path, temporary -> writeAll(cloud, header, records, temporary));
    } catch (IOException e) {
      throw new PointCloudException(path + ": cannot be written: " + Failures.reason(e), e);
    }
  }

  private static void writeAll(PointCloud cloud, LasHeader header, PointRecords records, Path path)
      throws IOException {
    try (FileChannel channel =
        FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      write(channel, header.beforePoints(cloud, records.length()));
      for (int b = 0; b < records.blocks(); b++) {
        write(channel, ByteBuffer.wrap(records.block(b)));
      }
      for (byte[] record : header.extendedRecords()) {
        write(channel, ByteBuffer.wrap(record));
      }
    }
  }

  private static void write(FileChannel channel, ByteBuffer buffer) throws IOException {
    while (buffer.hasRemaining()) {
      channel.write(buffer);
    }
  }
}
