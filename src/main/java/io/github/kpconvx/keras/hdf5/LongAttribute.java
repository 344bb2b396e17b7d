package io.github.kpconvx.keras.hdf5;

import io.jhdf.checksum.ChecksumUtils;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * A text of any length as an attribute of a file's root. jHDF writes texts of fixed length only,
 * which have to fit into the object's header, of 64 KiB; a text of variable length stands in a
 * global heap instead, as h5py writes it. So jHDF writes a placeholder whose message is as long as
 * that of a reference to a heap, and takes its place afterwards.
 *
 * @param name the attribute's name
 * @param text its value
 * @see <a href="https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html">The file
 *     format of HDF5: superblock 2, object header 2, attribute message 3, datatype and global
 *     heap</a>
 */
record LongAttribute(String name, String text) {
  private static final byte[] SUPERBLOCK = {(byte) 0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
  private static final int SUPERBLOCK_END_OF_FILE = 28;
  private static final int SUPERBLOCK_ROOT = 36;
  private static final int SUPERBLOCK_CHECKSUM = 44;

  /** A text of fixed length has a datatype of 8 bytes, one of variable length of 20. */
  private static final int FIXED_TYPE = 8;

  private static final int VARIABLE_TYPE = 20;

  /** The length, the heap's address, and the number of the object in it. */
  private static final int REFERENCE = 16;

  /** Of both, type and value take as many bytes. */
  private static final int PLACEHOLDER = VARIABLE_TYPE + REFERENCE - FIXED_TYPE;

  private static final int HEAP_HEADER = 16;
  private static final int HEAP_OBJECT = 16;
  private static final int LEAST_HEAP = 4096;

  static LongAttribute of(String name, String text) {
    return new LongAttribute(name, text);
  }

  /** What jHDF is to write. */
  String placeholder() {
    return "~".repeat(PLACEHOLDER);
  }

  /** Puts the text into a file that jHDF wrote with the placeholder. */
  void writeTo(Path file) throws IOException {
    byte[] old = Files.readAllBytes(file);
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    int padded = (utf8.length + 7) / 8 * 8;
    int heap = (old.length + 7) / 8 * 8;
    int size = Math.max(LEAST_HEAP, HEAP_HEADER + HEAP_OBJECT + padded + HEAP_OBJECT);
    byte[] all = Arrays.copyOf(old, Math.addExact(heap, size));
    ByteBuffer bytes = ByteBuffer.wrap(all).order(ByteOrder.LITTLE_ENDIAN);
    if (!Arrays.equals(Arrays.copyOf(old, SUPERBLOCK.length), SUPERBLOCK)
        || (old[8] != 2 && old[8] != 3)) {
      throw new IOException("jHDF wrote no superblock of version 2 or 3");
    }
    putHeap(bytes, heap, size, utf8, padded);
    int header = Math.toIntExact(bytes.getLong(SUPERBLOCK_ROOT));
    int end = endOfHeader(bytes, header);
    putReference(all, bytes, header, end, utf8.length, heap);
    bytes.putInt(end, checksum(all, header, end));
    bytes.putLong(SUPERBLOCK_END_OF_FILE, bytes.capacity());
    bytes.putInt(SUPERBLOCK_CHECKSUM, checksum(all, 0, SUPERBLOCK_CHECKSUM));
    Files.write(file, all);
  }

  private static void putHeap(ByteBuffer bytes, int heap, int size, byte[] utf8, int padded) {
    bytes.position(heap);
    bytes.put("GCOL".getBytes(StandardCharsets.US_ASCII)).put((byte) 1).put(new byte[3]);
    bytes.putLong(size);
    bytes.putShort((short) 1).putShort((short) 1).putInt(0).putLong(utf8.length).put(utf8);
    bytes.position(heap + HEAP_HEADER + HEAP_OBJECT + padded);
    // Object 0 is the free space, its own header included.
    bytes.putShort((short) 0).putShort((short) 0).putInt(0);
    bytes.putLong(size - HEAP_HEADER - HEAP_OBJECT - padded);
  }

  /** Where the header's messages end and its checksum stands. */
  private static int endOfHeader(ByteBuffer bytes, int header) throws IOException {
    byte[] signature = new byte[4];
    bytes.get(header, signature);
    if (!Arrays.equals(signature, "OHDR".getBytes(StandardCharsets.US_ASCII))) {
      throw new IOException("jHDF wrote no object header of version 2");
    }
    int flags = bytes.get(header + 5);
    int place = header + 6 + ((flags & 0x20) != 0 ? 16 : 0) + ((flags & 0x10) != 0 ? 4 : 0);
    int width = 1 << (flags & 3);
    long size =
        switch (width) {
          case 1 -> bytes.get(place) & 0xff;
          case 2 -> bytes.getShort(place) & 0xffff;
          case 4 -> bytes.getInt(place) & 0xffffffffL;
          default -> bytes.getLong(place);
        };
    return Math.toIntExact(place + width + size);
  }

  private void putReference(byte[] all, ByteBuffer bytes, int header, int end, int length, int heap)
      throws IOException {
    byte[] value = placeholder().getBytes(StandardCharsets.US_ASCII);
    int data = header;
    while (!Arrays.equals(all, data, data + value.length, value, 0, value.length)) {
      if (++data > end - value.length) {
        throw new IOException("jHDF wrote the attribute " + name + " in another way");
      }
    }
    byte[] ownName = (name + "\0").getBytes(StandardCharsets.UTF_8);
    int message = data;
    while (!isMessage(bytes, message, ownName.length, data)) {
      if (--message <= header) {
        throw new IOException("jHDF wrote the attribute " + name + " in another way");
      }
    }
    int dataspace = bytes.getShort(message + 6);
    byte[] space = new byte[dataspace];
    bytes.get(data - dataspace, space);
    bytes.putShort(message + 4, (short) VARIABLE_TYPE);
    bytes.position(data - dataspace - FIXED_TYPE);
    bytes.put((byte) 0x19).put((byte) 1).put((byte) 1).put((byte) 0).putInt(REFERENCE);
    bytes.put((byte) 0x10).put(new byte[3]).putInt(1); // Made of unsigned bytes.
    bytes.putShort((short) 0).putShort((short) Byte.SIZE);
    bytes.put(space);
    bytes.putInt(length).putLong(heap).putInt(1);
  }

  /** Whether an attribute message of version 3 begins at a place and has its value at another. */
  private static boolean isMessage(ByteBuffer bytes, int place, int nameLength, int data) {
    return bytes.get(place) == 3
        && bytes.getShort(place + 2) == nameLength
        && bytes.getShort(place + 4) == FIXED_TYPE
        && place + 9 + nameLength + FIXED_TYPE + bytes.getShort(place + 6) == data;
  }

  private static int checksum(byte[] bytes, int from, int to) {
    return ChecksumUtils.checksum(Arrays.copyOfRange(bytes, from, to));
  }
}
