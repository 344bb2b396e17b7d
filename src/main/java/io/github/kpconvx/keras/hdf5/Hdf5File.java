package io.github.kpconvx.keras.hdf5;

import io.github.kpconvx.io.Failures;
import io.github.kpconvx.keras.KerasException;
import io.jhdf.HdfFile;
import io.jhdf.api.Attribute;
import io.jhdf.api.Dataset;
import io.jhdf.api.Group;
import io.jhdf.api.Link;
import io.jhdf.api.Node;
import io.jhdf.links.ExternalLink;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

/**
 * An HDF5 file that may be hostile: its groups, datasets and texts, or one clear error.
 *
 * <p>As Keras's own reader does, this one refuses links, virtual and external datasets, and
 * datasets that declare far more than they store.
 */
public final class Hdf5File implements AutoCloseable {
  private final Path source;
  private final String name;
  private final HdfFile hdf;
  private final FileChannel channel;
  private boolean closed;

  /**
   * What a file holds, by path.
   *
   * @param groups its groups
   * @param weights its datasets
   */
  record Listing(Map<String, Group> groups, Map<String, Hdf5Weight> weights) {}

  private Hdf5File(Path source, String name, HdfFile hdf, FileChannel channel) {
    this.source = source;
    this.name = name;
    this.hdf = hdf;
    this.channel = channel;
  }

  /**
   * Opens a file.
   *
   * @param path an HDF5 file
   * @return the file, the caller's to close
   * @throws KerasException if it is no such file
   */
  public static Hdf5File open(Path path) {
    FileChannel channel;
    try {
      channel = FileChannel.open(path, StandardOpenOption.READ);
    } catch (IOException e) {
      throw new KerasException(path + " cannot be read: " + Failures.reason(e), e);
    }
    try {
      return open(path, path.toString(), () -> new HdfFile(channel), channel);
    } catch (RuntimeException e) {
      release(channel, e);
      throw e;
    }
  }

  /**
   * Opens a file that is in memory.
   *
   * @param source the file that holds it
   * @param name names it in errors
   * @param bytes its content
   * @return the file, the caller's to close
   * @throws KerasException if it is no HDF5 file
   */
  public static Hdf5File of(Path source, String name, byte[] bytes) {
    return open(source, name, () -> HdfFile.fromBytes(OpaqueBytes.readable(bytes)), null);
  }

  private static Hdf5File open(
      Path source, String name, Supplier<HdfFile> opener, FileChannel channel) {
    try {
      return new Hdf5File(source, name, opener.get(), channel);
    } catch (RuntimeException e) {
      throw new KerasException(name + " is no readable HDF5 file: " + Failures.reason(e), e);
    }
  }

  /**
   * Closes the channel; jHDF itself holds nothing open: it reads from the channel, or from memory.
   */
  private static void release(FileChannel channel, RuntimeException reason) {
    if (channel == null) {
      return;
    }
    try {
      channel.close();
    } catch (IOException e) {
      if (reason == null) {
        throw new KerasException("Closing an HDF5 file failed: " + Failures.reason(e), e);
      }
      reason.addSuppressed(e);
    }
  }

  /** The file. */
  Path source() {
    return source;
  }

  /** Its name in errors. */
  String name() {
    return name;
  }

  /** Its size in bytes. */
  long size() {
    return hdf.size();
  }

  /** Whether it was closed. */
  boolean isClosed() {
    return closed;
  }

  /** Whether its top has an attribute. */
  boolean hasAttribute(String attribute) {
    return guarded("", () -> hdf.getAttributes().containsKey(attribute));
  }

  /** Whether its top has a child. */
  boolean hasChild(String child) {
    return guarded("", () -> hdf.getChildren().containsKey(child));
  }

  /** A text among the attributes of its top. */
  public Optional<String> text(String attribute) {
    return guarded(
        "",
        () ->
            Optional.ofNullable(hdf.getAttribute(attribute))
                .filter(found -> !found.isEmpty())
                .map(Utf8Attribute::data)
                .filter(String.class::isInstance)
                .map(String.class::cast));
  }

  /**
   * A list of texts among the attributes of a group. Keras cuts a list that is too long for an
   * attribute into {@code names0}, {@code names1} and so on.
   *
   * @param group a group of this file
   * @param path its path, for messages
   * @param attribute the attribute
   * @return the texts, if there are such attributes
   * @throws KerasException if the attribute holds other than texts
   */
  Optional<List<String>> texts(Group group, String path, String attribute) {
    return guarded(
        path,
        () -> {
          Map<String, Attribute> attributes = group.getAttributes();
          if (attributes.containsKey(attribute)) {
            return Optional.of(texts(path, attributes.get(attribute)));
          }
          List<String> texts = new ArrayList<>();
          int piece = 0;
          for (; attributes.containsKey(attribute + piece); piece++) {
            texts.addAll(texts(path, attributes.get(attribute + piece)));
          }
          return piece == 0 ? Optional.empty() : Optional.of(texts);
        });
  }

  private List<String> texts(String path, Attribute attribute) {
    // Python writes an empty list as an array of no numbers.
    if (attribute.isEmpty() || attribute.getSize() == 0) {
      return List.of();
    }
    if (attribute.getSizeInBytes() <= hdf.size()
        && Utf8Attribute.data(attribute) instanceof String[] texts) {
      return Arrays.asList(texts);
    }
    throw new KerasException(
        "%s: attribute %s of %s holds %d bytes of %s, expected a list of names"
            .formatted(
                name,
                attribute.getName(),
                path.isEmpty() ? "the file" : path,
                attribute.getSizeInBytes(),
                attribute.getJavaType().getSimpleName()));
  }

  /**
   * Lists all groups and datasets, numbers by value and before other names.
   *
   * @param ignored children of the top that are not looked at
   * @return what there is
   * @throws KerasException if something is refused or damaged
   */
  Listing list(Set<String> ignored) {
    Listing listing = new Listing(new LinkedHashMap<>(), new LinkedHashMap<>());
    guarded(
        "",
        () -> {
          collect(hdf, "", ignored, listing, new HashSet<>());
          return null;
        });
    return listing;
  }

  /** Each object is visited once, so a loop cannot be endless. */
  private void collect(
      Group group, String path, Set<String> ignored, Listing listing, Set<Long> seen) {
    listing.groups().put(path, group);
    List<Node> children = new ArrayList<>(group.getChildren().values());
    children.sort(
        Comparator.comparingInt((Node node) -> index(node.getName())).thenComparing(Node::getName));
    for (Node child : children) {
      if (path.isEmpty() && ignored.contains(child.getName())) {
        continue;
      }
      String place = path.isEmpty() ? child.getName() : path + "/" + child.getName();
      if (child instanceof Link) {
        throw refused(place, child instanceof ExternalLink ? "an external link" : "a soft link");
      }
      if (!seen.add(child.getAddress())) {
        throw refused(place, "a second link to an object that another path holds");
      }
      if (child instanceof Group inner) {
        guarded(
            place,
            () -> {
              collect(inner, place, ignored, listing, seen);
              return null;
            });
      } else if (child instanceof Dataset dataset) {
        listing
            .weights()
            .put(place, guarded(place, () -> new Hdf5Weight(Hdf5File.this, place, dataset)));
      } else {
        throw refused(place, "a " + child.getType());
      }
    }
  }

  private static int index(String name) {
    return name.matches("\\d{1,9}") ? Integer.parseInt(name) : Integer.MAX_VALUE;
  }

  private KerasException refused(String place, String what) {
    return new KerasException(
        "%s: %s is %s, expected groups and datasets of this very file"
            .formatted(name, place, what));
  }

  /**
   * Runs what reads the file. A hostile file can make the HDF5 library throw nearly anything, also
   * by endless recursion or by asking for an absurd array.
   *
   * @param place what is read, for messages; empty for the file as such
   * @param read reads it
   * @param <T> what is read
   * @return what was read
   * @throws KerasException if it cannot be read
   */
  <T> T guarded(String place, Supplier<T> read) {
    try {
      return read.get();
    } catch (KerasException e) {
      throw e;
    } catch (RuntimeException | StackOverflowError | OutOfMemoryError e) {
      throw new KerasException(
          "%s%s cannot be read: %s"
              .formatted(name, place.isEmpty() ? "" : ": " + place, Failures.reason(e)),
          e);
    }
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      release(channel, null);
    }
  }
}
