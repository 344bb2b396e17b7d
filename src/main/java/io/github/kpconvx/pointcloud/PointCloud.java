package io.github.kpconvx.pointcloud;

import java.nio.file.Path;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.IntStream;

/**
 * The points of a LAS or LAZ file, in the file's order. Immutable.
 *
 * <p>Coordinates are the file's raw integers, so that distances and comparisons are exact; {@link
 * #quantization()} turns them into metres. All that a file says is kept, what this class has no
 * words for too: times, angles, sources, flags, extra bytes, and the records about the reference
 * system.
 */
public final class PointCloud {
  private final String source;
  private final LasHeader header;
  private final PointRecords records;

  /**
   * Takes what it is given as it is.
   *
   * @param source what the points are called in messages
   */
  PointCloud(String source, LasHeader header, PointRecords records) {
    this.source = source;
    this.header = header;
    this.records = records;
  }

  /**
   * Points with coordinates only: intensity 0, return 1 of 1, class 0 (never classified), no
   * colours. They are of point format 6.
   *
   * @param quantization turns raw coordinates into metres
   * @param x raw x of each point; copied
   * @param y raw y of each point; copied
   * @param z raw z of each point; copied
   * @return the points
   * @throws PointCloudException if the lengths differ
   */
  public static PointCloud of(Quantization quantization, int[] x, int[] y, int[] z) {
    int n = x.length;
    if (y.length != n || z.length != n) {
      throw new PointCloudException(
          "x, y and z have %d, %d and %d values, expected the same number"
              .formatted(n, y.length, z.length));
    }
    LasHeader header = LasHeader.of(quantization);
    PointRecords records = new PointRecords(n, header.format().length());
    IntStream.range(0, records.blocks()).forEach(records::block);
    for (int i = 0; i < n; i++) {
      records.setInt(i, 0, x[i]);
      records.setInt(i, 4, y[i]);
      records.setInt(i, 8, z[i]);
      records.setByte(i, PointFormat.RETURNS, 0x11);
    }
    return new PointCloud("The point cloud", header, records);
  }

  /**
   * Reads a {@code .las} or {@code .laz} file: LAS 1.2 to 1.4, point formats 0 to 3 and 6 to 8.
   *
   * @param path the file; what it is, its content says, not its name
   * @return its points
   * @throws PointCloudException if it cannot be read, is no such file, is incomplete or corrupt
   */
  public static PointCloud read(Path path) {
    return LasFile.read(path);
  }

  /**
   * Writes LAS, uncompressed, with all that was read: version, header, variable length records, and
   * every point record as it is, but for what this cloud says otherwise. Left out are the records
   * that tell of compression and of COPC's index. Points made by {@link #of} are written as LAS
   * 1.4. The file is written under a temporary name in the same folder and moved into place.
   *
   * @param path the file to make or replace, its name ending in {@code .las}
   * @throws PointCloudException if it cannot be written, or its name ends otherwise
   */
  public void write(Path path) {
    LasFile.write(this, header, records, path);
  }

  /**
   * What messages call it.
   *
   * @return the file it was read from
   */
  public String source() {
    return source;
  }

  /**
   * The number of points.
   *
   * @return the number of points
   */
  public int size() {
    return records.size();
  }

  /**
   * Turns raw coordinates into metres.
   *
   * @return the quantization
   */
  public Quantization quantization() {
    return header.quantization();
  }

  /**
   * Raw x.
   *
   * @param i a point, 0 to {@code size() - 1}
   * @return its raw x
   */
  public int x(int i) {
    return records.getInt(i, 0);
  }

  /**
   * Raw y.
   *
   * @param i a point, 0 to {@code size() - 1}
   * @return its raw y
   */
  public int y(int i) {
    return records.getInt(i, 4);
  }

  /**
   * Raw z.
   *
   * @param i a point, 0 to {@code size() - 1}
   * @return its raw z
   */
  public int z(int i) {
    return records.getInt(i, 8);
  }

  /**
   * The strength of the echo.
   *
   * @param i a point, 0 to {@code size() - 1}
   * @return its intensity, 0 to 65535
   */
  public int intensity(int i) {
    return records.getChar(i, PointFormat.INTENSITY);
  }

  /**
   * Which of its pulse's returns the point is.
   *
   * @param i a point, 0 to {@code size() - 1}
   * @return its return number, 1 for the first; 0 to 15, in point formats 0 to 3 to 7; 0 if the
   *     file does not tell
   */
  public int returnNumber(int i) {
    return records.getByte(i, PointFormat.RETURNS) & maxReturns();
  }

  /**
   * How many returns the point's pulse had.
   *
   * @param i a point, 0 to {@code size() - 1}
   * @return the number of returns, 0 to 15, in point formats 0 to 3 to 7; 0 if the file does not
   *     tell
   */
  public int numberOfReturns(int i) {
    return records.getByte(i, PointFormat.RETURNS) >> header.format().returnBits() & maxReturns();
  }

  private int maxReturns() {
    return (1 << header.format().returnBits()) - 1;
  }

  /**
   * The point's class, without the flags that point formats 0 to 3 keep in the same byte.
   *
   * @param i a point, 0 to {@code size() - 1}
   * @return its LAS classification code, 0 to 255, in point formats 0 to 3 to 31
   */
  public int classification(int i) {
    PointFormat format = header.format();
    return records.getByte(i, format.classOffset()) & format.classMask();
  }

  /**
   * How many points each class has.
   *
   * @return LAS classification codes that occur, with the number of their points
   */
  public SortedMap<Integer, Integer> classCounts() {
    int[] counts = new int[256];
    for (int i = 0; i < size(); i++) {
      counts[classification(i)]++;
    }
    SortedMap<Integer, Integer> found = new TreeMap<>();
    IntStream.range(0, counts.length)
        .filter(code -> counts[code] > 0)
        .forEach(code -> found.put(code, counts[code]));
    return found;
  }

  /**
   * Whether the point was made by other means than a scanner.
   *
   * @param i a point, 0 to {@code size() - 1}
   * @return the flag "synthetic"
   */
  public boolean isSynthetic(int i) {
    return flag(i, 0);
  }

  /**
   * Whether the point should be kept when others are thinned out.
   *
   * @param i a point, 0 to {@code size() - 1}
   * @return the flag "key-point"
   */
  public boolean isKeyPoint(int i) {
    return flag(i, 1);
  }

  /**
   * Whether the point is as good as deleted.
   *
   * @param i a point, 0 to {@code size() - 1}
   * @return the flag "withheld"
   */
  public boolean isWithheld(int i) {
    return flag(i, 2);
  }

  /**
   * Whether the point lies where swaths overlap.
   *
   * @param i a point, 0 to {@code size() - 1}
   * @return the flag "overlap", which point formats 0 to 3 do not have
   */
  public boolean isOverlap(int i) {
    return header.format().extended() && flag(i, 3);
  }

  private boolean flag(int i, int bit) {
    int flags = records.getByte(i, PointFormat.FLAGS) >> header.format().flagShift();
    return (flags >> bit & 1) != 0;
  }

  /**
   * Whether the points have colours.
   *
   * @return whether {@link #red}, {@link #green} and {@link #blue} have values
   */
  public boolean hasColors() {
    return header.format().colorOffset() >= 0;
  }

  /**
   * The red part of a point's colour.
   *
   * @param i a point, 0 to {@code size() - 1}
   * @return red, 0 to 65535
   * @throws PointCloudException if the points have no colours
   */
  public int red(int i) {
    return channel(i, 0);
  }

  /**
   * The green part of a point's colour.
   *
   * @param i a point, 0 to {@code size() - 1}
   * @return green, 0 to 65535
   * @throws PointCloudException if the points have no colours
   */
  public int green(int i) {
    return channel(i, 1);
  }

  /**
   * The blue part of a point's colour.
   *
   * @param i a point, 0 to {@code size() - 1}
   * @return blue, 0 to 65535
   * @throws PointCloudException if the points have no colours
   */
  public int blue(int i) {
    return channel(i, 2);
  }

  private int channel(int i, int channel) {
    if (!hasColors()) {
      throw new PointCloudException(
          "%s: the points have no colours (point format %d)"
              .formatted(source, header.format().number()));
    }
    return records.getChar(i, header.format().colorOffset() + 2 * channel);
  }

  /**
   * The same points with other intensities.
   *
   * @param values an intensity for each point, 0 to 65535
   * @return the points
   * @throws PointCloudException if there are more or fewer values than points, or one is out of
   *     range
   */
  public PointCloud withIntensity(int[] values) {
    check("intensity", values, 65535);
    PointRecords copy = records.copy();
    for (int i = 0; i < values.length; i++) {
      copy.setChar(i, PointFormat.INTENSITY, values[i]);
    }
    return new PointCloud(source, header, copy);
  }

  /**
   * The same points with other returns.
   *
   * @param number the return number of each point, 0 to 15, in point formats 0 to 3 to 7
   * @param total the number of returns of each point's pulse, likewise
   * @return the points
   * @throws PointCloudException if there are more or fewer values than points, or one is out of
   *     range
   */
  public PointCloud withReturns(int[] number, int[] total) {
    check("return number", number, maxReturns());
    check("number of returns", total, maxReturns());
    int bits = header.format().returnBits();
    int others = 0xff << (2 * bits);
    PointRecords copy = records.copy();
    for (int i = 0; i < number.length; i++) {
      int kept = copy.getByte(i, PointFormat.RETURNS) & others;
      copy.setByte(i, PointFormat.RETURNS, kept | total[i] << bits | number[i]);
    }
    return new PointCloud(source, header, copy);
  }

  /**
   * The same points with other classes; flags stay.
   *
   * @param codes a LAS classification code for each point, 0 to 255, in point formats 0 to 3 to 31
   * @return the points
   * @throws PointCloudException if there are more or fewer values than points, or one is out of
   *     range
   */
  public PointCloud withClassification(int[] codes) {
    PointFormat format = header.format();
    check("classification", codes, format.classMask());
    int place = format.classOffset();
    PointRecords copy = records.copy();
    for (int i = 0; i < codes.length; i++) {
      copy.setByte(i, place, (copy.getByte(i, place) & ~format.classMask()) | codes[i]);
    }
    return new PointCloud(source, header, copy);
  }

  /**
   * The same points with other colours. Point formats 0, 1 and 6 become 2, 3 and 7.
   *
   * @param rgb a colour for each point as {@code 0xRRGGBB}
   * @return the points
   * @throws PointCloudException if there are more or fewer values than points, or one is out of
   *     range
   */
  public PointCloud withColors(int[] rgb) {
    check("colour", rgb, 0xffffff);
    PointFormat colored = header.format().colored();
    int place = colored.colorOffset();
    PointRecords copy = records.widened(place, hasColors() ? 0 : 6);
    for (int i = 0; i < rgb.length; i++) {
      // LAS wants 16 bits: 0xff becomes 0xffff.
      copy.setChar(i, place, (rgb[i] >> 16 & 0xff) * 257);
      copy.setChar(i, place + 2, (rgb[i] >> 8 & 0xff) * 257);
      copy.setChar(i, place + 4, (rgb[i] & 0xff) * 257);
    }
    return new PointCloud(source, header.withFormat(colored), copy);
  }

  private void check(String what, int[] values, int max) {
    if (values.length != size()) {
      throw new PointCloudException(
          "%s: %s has %d values, expected one for each of the %d points"
              .formatted(source, what, values.length, size()));
    }
    for (int i = 0; i < values.length; i++) {
      if (values[i] < 0 || values[i] > max) {
        throw new PointCloudException(
            "%s: %s of point %d is %d, expected 0 to %d%s"
                .formatted(source, what, i, values[i], max, wayOut(values[i])));
      }
    }
  }

  /** What to do about a value that would have room in the newer formats. */
  private String wayOut(int value) {
    return value < 0 || value > 255 || header.format().extended()
        ? ""
        : ", all that point format %d has room for; convert the file to format 6 or newer first"
            .formatted(header.format().number());
  }
}
