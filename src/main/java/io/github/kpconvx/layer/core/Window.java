package io.github.kpconvx.layer.core;

import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.index.Index;
import org.tensorflow.ndarray.index.Indices;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Stack;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.family.TNumber;

/**
 * How a kernel moves over an image (N, H, W, C), along its height and its width. Immutable.
 *
 * <p>A dilated kernel moves over images of every d-th place each, as TensorFlow has no gradient of
 * one that is dilated on a CPU.
 *
 * @param height along the height
 * @param width along the width
 * @param padding what is added around the image
 */
record Window(Axis height, Axis width, Padding padding) {

  /** What is added around an image: nothing, as much as keeps its size, or that much before it. */
  enum Padding {
    VALID,
    SAME,
    CAUSAL
  }

  /**
   * How a kernel moves along an axis.
   *
   * @param size of the kernel
   * @param stride from place to place
   * @param dilation from one of the kernel's elements to the next
   */
  record Axis(int size, int stride, int dilation) {
    /** How many places the kernel spans. */
    int reach() {
      return dilation * (size - 1) + 1;
    }
  }

  /** What is computed at each place, of a kernel that is not dilated. */
  @FunctionalInterface
  interface Step<T extends TNumber> {
    /**
     * Moves the kernel.
     *
     * @param image the image
     * @param strides from place to place along each of the image's dimensions
     * @param padding "VALID" or "SAME"
     */
    Operand<T> apply(Operand<T> image, List<Long> strides, String padding);
  }

  static Window of(
      List<Integer> size, List<Integer> strides, List<Integer> dilations, Padding padding) {
    return new Window(
        new Axis(size.get(0), strides.get(0), dilations.get(0)),
        new Axis(size.get(1), strides.get(1), dilations.get(1)),
        padding);
  }

  /** Whether it sees one place at a time, and sees all. */
  boolean isPoint() {
    return height.size == 1 && width.size == 1 && !isStrided();
  }

  boolean isStrided() {
    return height.stride > 1 || width.stride > 1;
  }

  boolean isDilated() {
    return height.dilation > 1 || width.dilation > 1;
  }

  /** Whether it finds a place in an image of a shape (N, H, W, C), as far as that is known. */
  boolean fits(Shape image) {
    return padding != Padding.VALID || (fits(height, image.get(1)) && fits(width, image.get(2)));
  }

  private static boolean fits(Axis axis, long size) {
    return size == Shape.UNKNOWN_SIZE || size >= axis.reach();
  }

  /** How many places it has along each dimension of an image. */
  List<Long> sizes() {
    return List.of(1L, (long) height.size, (long) width.size, 1L);
  }

  private List<Long> strides() {
    return List.of(1L, (long) height.stride, (long) width.stride, 1L);
  }

  /**
   * Moves the kernel over an image.
   *
   * @param tf the operations of the graph that is added to
   * @param image the image (N, H, W, C)
   * @param step what is computed at each place
   * @param <T> the image's type
   * @return (N, H', W', C')
   */
  <T extends TNumber> Operand<T> over(Ops tf, Operand<T> image, Step<T> step) {
    if (isDilated()) {
      return dilated(tf, image, step);
    }
    if (padding != Padding.CAUSAL) {
      return step.apply(image, strides(), padding.name());
    }
    int[][] before = {{0, 0}, {height.reach() - 1, 0}, {width.reach() - 1, 0}, {0, 0}};
    Operand<T> zero = tf.dtypes.cast(tf.constant(0), image.type());
    return step.apply(tf.pad(image, tf.constant(before), zero), strides(), "VALID");
  }

  private <T extends TNumber> Operand<T> dilated(Ops tf, Operand<T> image, Step<T> step) {
    Operand<TInt32> dilations = tf.array(height.dilation, width.dilation);
    Operand<TInt32> sizes = places(tf, image);
    Operand<TInt32> around = around(tf, sizes);
    Operand<TInt32> before =
        padding == Padding.CAUSAL ? around : tf.math.floorDiv(around, tf.constant(2));
    // The image becomes a multiple of the dilation, and loses again what that took.
    Operand<TInt32> odd = tf.math.floorMod(tf.math.neg(tf.math.add(sizes, around)), dilations);
    Operand<TInt32> after = tf.math.add(tf.math.sub(around, before), odd);
    Operand<T> parts = tf.spaceToBatchNd(image, dilations, columns(tf, before, after));
    Operand<T> made = step.apply(parts, List.of(1L, 1L, 1L, 1L), "VALID");
    Operand<T> whole = tf.batchToSpaceNd(made, dilations, columns(tf, tf.zerosLike(odd), odd));
    return isStrided()
        ? tf.stridedSlice(whole, Indices.all(), every(height), every(width), Indices.all())
        : whole;
  }

  /** Its height and width; constants where they are known, for the shape of what follows. */
  static Operand<TInt32> places(Ops tf, Operand<?> image) {
    long height = image.shape().get(1);
    long width = image.shape().get(2);
    return height == Shape.UNKNOWN_SIZE || width == Shape.UNKNOWN_SIZE
        ? tf.stridedSlice(tf.shape(image), Indices.slice(1, 3))
        : tf.array(Math.toIntExact(height), Math.toIntExact(width));
  }

  private static Index every(Axis axis) {
    return Indices.step(axis.stride);
  }

  private static Operand<TInt32> columns(Ops tf, Operand<TInt32> a, Operand<TInt32> b) {
    return tf.stack(List.of(a, b), Stack.axis(1L));
  }

  /** How many places are added to images of given sizes, before and after them together. */
  private Operand<TInt32> around(Ops tf, Operand<TInt32> sizes) {
    Operand<TInt32> more = tf.array(height.reach() - 1, width.reach() - 1);
    return switch (padding) {
      case VALID -> tf.array(0, 0);
      case CAUSAL -> more;
      case SAME -> {
        if (!isStrided()) {
          yield more;
        }
        Operand<TInt32> strides = tf.array(height.stride, width.stride);
        Operand<TInt32> behind = tf.math.floorMod(tf.math.sub(sizes, tf.constant(1)), strides);
        yield tf.math.maximum(tf.math.sub(more, behind), tf.constant(0));
      }
    };
  }
}
