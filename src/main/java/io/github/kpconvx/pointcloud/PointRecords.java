package io.github.kpconvx.pointcloud;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * The records of points, byte for byte as a LAS file holds them, little-endian. They stand in
 * blocks that are allocated when the first of their bytes arrives, so that a count that no data
 * follows costs nothing.
 */
final class PointRecords {
  /** Points of a block. */
  static final int BLOCK = 1 << 14;

  private static final VarHandle INT =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
  private static final VarHandle CHAR =
      MethodHandles.byteArrayViewVarHandle(char[].class, ByteOrder.LITTLE_ENDIAN);

  private final int size;
  private final int length;
  private final byte[][] blocks;

  /**
   * Room for records.
   *
   * @param size the number of points
   * @param length bytes of a record
   */
  PointRecords(int size, int length) {
    this.size = size;
    this.length = length;
    this.blocks = new byte[Math.toIntExact(((long) size + BLOCK - 1) / BLOCK)][];
  }

  int size() {
    return size;
  }

  int length() {
    return length;
  }

  int blocks() {
    return blocks.length;
  }

  /** The records of points {@code BLOCK * i} and on. */
  synchronized byte[] block(int i) {
    if (blocks[i] == null) {
      blocks[i] = new byte[Math.min(BLOCK, size - i * BLOCK) * length];
    }
    return blocks[i];
  }

  /** Takes records of consecutive points. */
  void put(int first, byte[] records, int count) {
    int done = 0;
    while (done < count) {
      int point = first + done;
      int within = point % BLOCK;
      int part = Math.min(count - done, BLOCK - within);
      System.arraycopy(
          records, done * length, block(point / BLOCK), within * length, part * length);
      done += part;
    }
  }

  int getInt(int point, int offset) {
    return (int) INT.get(blocks[point / BLOCK], point % BLOCK * length + offset);
  }

  void setInt(int point, int offset, int value) {
    INT.set(blocks[point / BLOCK], point % BLOCK * length + offset, value);
  }

  char getChar(int point, int offset) {
    return (char) CHAR.get(blocks[point / BLOCK], point % BLOCK * length + offset);
  }

  void setChar(int point, int offset, int value) {
    CHAR.set(blocks[point / BLOCK], point % BLOCK * length + offset, (char) value);
  }

  int getByte(int point, int offset) {
    return blocks[point / BLOCK][point % BLOCK * length + offset] & 0xff;
  }

  void setByte(int point, int offset, int value) {
    blocks[point / BLOCK][point % BLOCK * length + offset] = (byte) value;
  }

  PointRecords copy() {
    return widened(length, 0);
  }

  /** The same records with zeros at a place of each. */
  PointRecords widened(int offset, int bytes) {
    PointRecords wider = new PointRecords(size, length + bytes);
    for (int b = 0; b < blocks.length; b++) {
      byte[] from = blocks[b];
      byte[] to = wider.block(b);
      if (bytes == 0) {
        System.arraycopy(from, 0, to, 0, from.length);
        continue;
      }
      for (int i = 0; i < from.length / length; i++) {
        System.arraycopy(from, i * length, to, i * wider.length, offset);
        System.arraycopy(
            from, i * length + offset, to, i * wider.length + offset + bytes, length - offset);
      }
    }
    return wider;
  }
}
