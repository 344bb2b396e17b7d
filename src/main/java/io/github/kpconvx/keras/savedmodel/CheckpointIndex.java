package io.github.kpconvx.keras.savedmodel;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import io.github.kpconvx.io.Failures;
import io.github.kpconvx.keras.KerasException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.tensorflow.proto.BundleEntryProto;

/**
 * What the {@code .index} file of a TensorFlow checkpoint tells of each tensor: data type and
 * shape. It is a sorted table of keys and values in blocks, as LevelDB has them.
 *
 * @see <a href="https://github.com/google/leveldb/blob/main/doc/table_format.md">LevelDB's table
 *     format</a>
 */
final class CheckpointIndex {
  private static final int FOOTER = 48;
  private static final long MAGIC = 0xdb4775248b80fb57L;

  /** After a block: how it is compressed, and its checksum. */
  private static final int UNCOMPRESSED = 0;

  private final Path file;
  private final ByteBuffer bytes;

  private CheckpointIndex(Path file, byte[] bytes) {
    this.file = file;
    this.bytes = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  /**
   * Reads an index.
   *
   * @param file the file
   * @return the tensors by key
   * @throws KerasException if it is no such file, or damaged
   */
  static Map<String, BundleEntryProto> read(Path file) {
    try {
      return new CheckpointIndex(file, Files.readAllBytes(file)).entries();
    } catch (IOException | RuntimeException e) {
      if (e instanceof KerasException clear) {
        throw clear;
      }
      throw new KerasException(
          file + " is no readable index of a checkpoint: " + Failures.reason(e), e);
    }
  }

  /** Where a block is. */
  private record Handle(long offset, long size) {
    static Handle read(CodedInputStream in) throws IOException {
      return new Handle(in.readUInt64(), in.readUInt64());
    }
  }

  private Map<String, BundleEntryProto> entries() throws IOException {
    int footer = bytes.capacity() - FOOTER;
    if (footer < 0 || bytes.getLong(bytes.capacity() - Long.BYTES) != MAGIC) {
      throw new KerasException(
          "%s is no index of a checkpoint: it ends in other bytes than such a table does"
              .formatted(file));
    }
    CodedInputStream in = CodedInputStream.newInstance(bytes.array(), footer, FOOTER);
    Handle.read(in); // Of blocks that tell of other blocks; TensorFlow writes none.
    Map<String, BundleEntryProto> entries = new LinkedHashMap<>();
    for (byte[] block : block(Handle.read(in)).values()) {
      for (Map.Entry<String, byte[]> entry :
          block(Handle.read(CodedInputStream.newInstance(block))).entrySet()) {
        if (!entry.getKey().isEmpty()) { // Else it is the header.
          entries.put(entry.getKey(), parse(entry));
        }
      }
    }
    return entries;
  }

  private BundleEntryProto parse(Map.Entry<String, byte[]> entry) {
    try {
      return BundleEntryProto.parseFrom(entry.getValue());
    } catch (InvalidProtocolBufferException e) {
      throw new KerasException(
          "%s: the entry of %s is damaged: %s".formatted(file, entry.getKey(), Failures.reason(e)),
          e);
    }
  }

  /** A block's values by key. A key begins as the one before it does. */
  private Map<String, byte[]> block(Handle handle) throws IOException {
    int size = Math.toIntExact(handle.size());
    int start = Math.toIntExact(handle.offset());
    if (bytes.get(Math.addExact(start, size)) != UNCOMPRESSED) {
      throw new KerasException(
          file + " is compressed, expected the plain table that TensorFlow writes");
    }
    int restarts = bytes.getInt(start + size - Integer.BYTES);
    int entries = Math.subtractExact(size, Math.multiplyExact(Integer.BYTES, restarts + 1));
    CodedInputStream in = CodedInputStream.newInstance(bytes.array(), start, entries);
    Map<String, byte[]> values = new LinkedHashMap<>();
    byte[] key = new byte[0];
    while (!in.isAtEnd()) {
      int shared = in.readUInt32();
      int rest = in.readUInt32();
      int length = in.readUInt32();
      byte[] end = in.readRawBytes(rest);
      key = Arrays.copyOf(Arrays.copyOf(key, shared), shared + rest);
      System.arraycopy(end, 0, key, shared, rest);
      values.put(new String(key, StandardCharsets.UTF_8), in.readRawBytes(length));
    }
    return values;
  }
}
