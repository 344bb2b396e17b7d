package io.github.kpconvx.pointcloud;

import com.github.mreutegg.laszip4j.laszip.ArithmeticDecoder;
import com.github.mreutegg.laszip4j.laszip.ByteStreamInArray;
import com.github.mreutegg.laszip4j.laszip.ByteStreamOutArray;
import com.github.mreutegg.laszip4j.laszip.IntegerCompressor;
import com.github.mreutegg.laszip4j.laszip.LASitem;
import com.github.mreutegg.laszip4j.laszip.LASpoint;
import com.github.mreutegg.laszip4j.laszip.LASreadPoint;
import com.github.mreutegg.laszip4j.laszip.LASwritePoint;
import com.github.mreutegg.laszip4j.laszip.LASzip;
import com.github.mreutegg.laszip4j.laszip.LasItemsFactory;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * Decompresses the points of a LAZ file, several chunks at a time.
 *
 * <p>laszip4j's coders do the work, a chunk each: its own reader of files prints what is wrong on
 * standard error, believes a file's sizes, and decodes colours of format 8 that never change from
 * bytes that are not there.
 */
final class LazDecoder {
  private static final int DESCRIPTION = 34;
  private static final int ITEM = 6;
  private static final int ONE_PIECE = LASzip.LASZIP_COMPRESSOR_POINTWISE;
  private static final int LAYERED = LASzip.LASZIP_COMPRESSOR_LAYERED_CHUNKED;

  /** Chunks of points that differ in number: their table tells how many each has. */
  private static final int VARIABLE = -1;

  private static final int CHANNELS = 0x30;

  private final LasReader file;
  private final PointFormat format;
  private final int compressor;
  private final int chunkSize;
  private final ByteBuffer description;

  /**
   * Part of the file and of its points.
   *
   * @param start its first byte in the file
   * @param length its bytes
   * @param first its first point
   * @param points how many it has
   */
  private record Chunk(long start, long length, int first, int points) {}

  /**
   * Checks how the points are compressed.
   *
   * @param file the file
   * @param description the content of its record "laszip encoded"
   * @param format the format of its points
   */
  LazDecoder(LasReader file, ByteBuffer description, PointFormat format) {
    this.file = file;
    this.format = format;
    this.description = description;
    if (description.limit() < DESCRIPTION
        || description.limit() < DESCRIPTION + ITEM * description.getChar(32)) {
      throw file.error("is corrupt: its record \"laszip encoded\" is too short");
    }
    compressor = description.getChar(0);
    chunkSize = description.getInt(12);
    if (compressor < ONE_PIECE || compressor > LAYERED || description.getChar(2) != 0) {
      throw file.error(
          "is compressed in way %d with coder %d, expected 1 to 3 with coder 0"
              .formatted(compressor, (int) description.getChar(2)));
    }
  }

  /**
   * Decompresses all points.
   *
   * @param records gets the records
   * @throws PointCloudException if what is there cannot be points compressed so
   * @throws IOException if reading fails
   */
  void decode(PointRecords records) throws IOException {
    LASitem[] items = items(records.length());
    List<Chunk> chunks = chunks(records);
    try {
      chunks.parallelStream()
          .forEach(
              chunk -> {
                try {
                  decode(chunk, items, records);
                } catch (IOException e) {
                  throw new UncheckedIOException(e);
                }
              });
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }

  /** The parts of a record, each with the version of its coder. */
  private LASitem[] items(int recordLength) {
    LASitem[] items =
        LasItemsFactory.getItems((byte) format.number(), (char) recordLength, (char) compressor);
    boolean fits = description.getChar(32) == items.length;
    for (int i = 0; fits && i < items.length; i++) {
      int place = DESCRIPTION + ITEM * i;
      int type = description.getChar(place);
      fits =
          type < LASitem.Type.values().length
              && LASitem.Type.fromOrdinal(type) == items[i].type
              && description.getChar(place + 2) == items[i].size;
      items[i].version = description.getChar(place + 4);
    }
    if (!fits || !laszip(items, 1).check()) {
      throw file.error(
          "is corrupt: its record \"laszip encoded\" tells of other points than those of format %d "
                  .formatted(format.number())
              + "and %d bytes".formatted(recordLength));
    }
    return items;
  }

  private LASzip laszip(LASitem[] items, int points) {
    LASzip laszip = new LASzip();
    laszip.compressor = (char) compressor;
    laszip.num_items = (char) items.length;
    laszip.items = items;
    laszip.chunk_size = points;
    return laszip;
  }

  private List<Chunk> chunks(PointRecords records) throws IOException {
    long start = file.pointData();
    if (compressor == ONE_PIECE) {
      return List.of(new Chunk(start, file.size() - start, 0, records.size()));
    }
    long table = start > file.size() - 8 ? file.size() : number(start);
    if (table == -1) {
      table = number(file.size() - 8); // written where it could not be put at the start
    }
    start += 8;
    // A chunk has its first point as it is, so that a file bounds how many there may be.
    if (table <= start || table > file.size() - 8) {
      throw file.error("is incomplete: it ends before the table of its compressed points");
    }
    ByteBuffer head = LasReader.littleEndian(file.bytes(table, 8));
    long count = Integer.toUnsignedLong(head.getInt(4));
    if (head.getInt(0) != 0 || count - 1 > (table - start) / records.length()) {
      throw file.error(
          "is corrupt: %d chunks of compressed points in %d bytes".formatted(count, table - start));
    }
    int length = (int) Math.min(file.size() - table - 8, 64 + 32 * count);
    return chunks(file.bytes(table + 8, length), (int) count, start, table, records.size());
  }

  private List<Chunk> chunks(byte[] table, int count, long start, long end, int size) {
    List<Chunk> chunks = new ArrayList<>(count);
    long place = start;
    long first = 0;
    try {
      ArithmeticDecoder decoder = new ArithmeticDecoder();
      decoder.init(new ByteStreamInArray(table, table.length));
      IntegerCompressor numbers = new IntegerCompressor(decoder, 32, 2);
      numbers.initDecompressor();
      int points = 0;
      int length = 0;
      for (int i = 0; i < count; i++) {
        points =
            chunkSize == VARIABLE
                ? numbers.decompress(points, 0)
                : (int) Math.min(Integer.toUnsignedLong(chunkSize), size - first);
        length = numbers.decompress(length, 1);
        long bytes = Integer.toUnsignedLong(length);
        if (points < 0 || points > size - first || bytes > end - place) {
          first = -1;
          break;
        }
        if (points > 0) { // A writer may end with an empty chunk.
          chunks.add(new Chunk(place, bytes, (int) first, points));
        }
        place += bytes;
        first += points;
      }
    } catch (RuntimeException e) {
      throw new PointCloudException(
          file.error("is corrupt: the table of its compressed points cannot be read").getMessage(),
          e);
    }
    if (first != size) {
      throw file.error(
          "is corrupt: its chunks of compressed points do not hold the %d points of its header"
              .formatted(size));
    }
    return chunks;
  }

  private long number(long place) throws IOException {
    return LasReader.littleEndian(file.bytes(place, 8)).getLong();
  }

  private void decode(Chunk chunk, LASitem[] items, PointRecords records) throws IOException {
    String where =
        "the chunk of its points %d to %d".formatted(chunk.first, chunk.first + chunk.points - 1);
    if (chunk.length > Integer.MAX_VALUE - 16) {
      throw file.error(
          "has %d bytes in %s, expected at most %d"
              .formatted(chunk.length, where, Integer.MAX_VALUE - 16));
    }
    byte[] bytes = file.bytes(chunk.start, (int) chunk.length);
    int layers = compressor == LAYERED ? checkedLayers(bytes, chunk, items, where) : 0;
    // To the library each chunk is a file's only one, before whose table the compressor stopped.
    int prefix = compressor == ONE_PIECE ? 0 : 8;
    ByteBuffer stream = ByteBuffer.allocate(prefix + bytes.length).put(prefix, bytes);
    ByteStreamInArray in = new ByteStreamInArray(stream.array(), stream.capacity());
    int decoded = 0;
    try {
      LASzip laszip = laszip(items, chunk.points);
      LASreadPoint reader = new LASreadPoint(layers);
      LASwritePoint writer = new LASwritePoint();
      LASpoint point = new LASpoint();
      if (!reader.setup(items.length, items, laszip)
          || !reader.init(in)
          || !writer.setup(items.length, items)
          || !point.init(null, items.length, items, null)) {
        throw file.error("is compressed by coders that are not known");
      }
      while (decoded < chunk.points) {
        int batch = Math.min(chunk.points - decoded, PointRecords.BLOCK);
        ByteStreamOutArray out = new ByteStreamOutArray((long) batch * records.length());
        writer.init(out);
        for (int i = 0; i < batch; i++) {
          if (!reader.read(point.PointRecords) || !writer.write(point.PointRecords)) {
            throw corrupt(where, decoded + i, chunk, null);
          }
        }
        records.put(chunk.first + decoded, out.takeData().array(), batch);
        decoded += batch;
      }
    } catch (AssertionError | IndexOutOfBoundsException | NullPointerException e) {
      throw corrupt(where, decoded, chunk, e);
    }
    if (compressor != ONE_PIECE && in.tell() != stream.capacity()) {
      throw corrupt(where, decoded, chunk, null);
    }
    addUpExtraBytes(chunk, items, records);
    checkChannels(chunk, items, records);
  }

  /**
   * The library takes what is added to the extra bytes of the point before for what is added to
   * those of the chunk's first point, in formats 0 to 3.
   */
  private void addUpExtraBytes(Chunk chunk, LASitem[] items, PointRecords records) {
    LASitem last = items[items.length - 1];
    if (last.type != LASitem.Type.BYTE) {
      return;
    }
    for (int place = records.length() - last.size; place < records.length(); place++) {
      int first = records.getByte(chunk.first, place);
      int value = first;
      for (int i = chunk.first + 1; i < chunk.first + chunk.points; i++) {
        value += records.getByte(i, place) - first;
        records.setByte(i, place, value);
      }
    }
  }

  private PointCloudException corrupt(String where, int decoded, Chunk chunk, Throwable cause) {
    return new PointCloudException(
        file.error(
                "is corrupt: decompressing %s failed after %d of %d"
                    .formatted(where, decoded, chunk.points))
            .getMessage(),
        cause);
  }

  /**
   * Compares the sizes of a chunk's layers with its length.
   *
   * @return which layers to decode: all but those that stand for "the same as in the first point"
   *     and that the library would decode all the same
   */
  private int checkedLayers(byte[] bytes, Chunk chunk, LASitem[] items, String where) {
    int place = 0;
    int layers = 0;
    int colors = -1;
    for (LASitem item : items) {
      place += item.size;
      switch (item.type) {
        case POINT14 -> layers += 9;
        case RGB14 -> layers++;
        case RGBNIR14 -> {
          colors = layers;
          layers += 2;
        }
        default -> layers += item.size;
      }
    }
    long expected = place + 4L * (layers + 1);
    boolean sameColors = false;
    if (expected <= bytes.length) {
      ByteBuffer sizes = LasReader.littleEndian(bytes).position(place);
      if (sizes.getInt() != chunk.points) {
        throw corrupt(where, 0, chunk, null);
      }
      for (int i = 0; i < layers; i++) {
        long size = Integer.toUnsignedLong(sizes.getInt());
        sameColors |= i == colors && size == 0;
        expected += size;
      }
    }
    if (expected != bytes.length) {
      throw corrupt(where, 0, chunk, null);
    }
    return sameColors
        ? LASzip.LASZIP_DECOMPRESS_SELECTIVE_ALL & ~LASzip.LASZIP_DECOMPRESS_SELECTIVE_RGB
        : LASzip.LASZIP_DECOMPRESS_SELECTIVE_ALL;
  }

  /**
   * Version 4 of the coders differs from version 3, which the library takes for both, in what
   * follows a change of the scanner's channel.
   */
  private void checkChannels(Chunk chunk, LASitem[] items, PointRecords records) {
    if (items.length == 1 || items[1].version != 4) {
      return;
    }
    int channel = records.getByte(chunk.first, PointFormat.FLAGS) & CHANNELS;
    for (int i = chunk.first; i < chunk.first + chunk.points; i++) {
      if ((records.getByte(i, PointFormat.FLAGS) & CHANNELS) != channel) {
        throw file.error(
            "is compressed by version 4 of LASzip's coders with several scanner channels, which cannot "
                + "be decompressed; convert it to LAS first");
      }
    }
  }
}
