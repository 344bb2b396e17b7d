package io.github.kpconvx.keras;

import io.github.kpconvx.io.Failures;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * Files of text, whatever editor wrote them: in UTF-8 or UTF-16, with a byte order mark or without.
 *
 * @see <a href="https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md">Git LFS pointers</a>
 */
public final class TextFile {
  /** Configurations and tables are small; the largest networks' have a few MB. */
  private static final int MAX_BYTES = 64 << 20;

  private static final byte[] LFS_POINTER =
      "version https://git-lfs.github.com/spec/".getBytes(StandardCharsets.US_ASCII);

  private TextFile() {}

  /**
   * The content of a file of text.
   *
   * @param file the file
   * @return its bytes, as they are
   * @throws KerasException if it cannot be read, is larger than 64 MiB or a Git LFS pointer
   */
  public static byte[] bytes(Path file) {
    byte[] bytes;
    try (InputStream in = Files.newInputStream(file)) {
      bytes = in.readNBytes(MAX_BYTES + 1);
    } catch (IOException e) {
      throw new KerasException(file + " cannot be read: " + Failures.reason(e), e);
    }
    if (bytes.length > MAX_BYTES) {
      throw new KerasException(
          "%s has more than %d bytes, expected a text of at most that".formatted(file, MAX_BYTES));
    }
    refusePointer(file, bytes);
    return bytes;
  }

  /**
   * The text of a file. A byte order mark is no part of it.
   *
   * @param file the file
   * @return its text
   * @throws KerasException if it cannot be read, is larger than 64 MiB, a Git LFS pointer, or
   *     neither UTF-8 nor UTF-16
   */
  public static String read(Path file) {
    byte[] bytes = bytes(file);
    Charset charset = charset(bytes);
    try {
      String text = charset.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
      return text.startsWith("\ufeff") ? text.substring(1) : text;
    } catch (CharacterCodingException e) {
      throw new KerasException(
          "%s is no text in %s, expected UTF-8 or UTF-16; save it as UTF-8"
              .formatted(file, charset.name()),
          e);
    }
  }

  /**
   * By the mark or, without one, by the zeros that the first two Latin characters have in UTF-16.
   */
  private static Charset charset(byte[] bytes) {
    int first = bytes.length < 2 ? 1 : bytes[0];
    int second = bytes.length < 2 ? 1 : bytes[1];
    if ((first == (byte) 0xfe && second == (byte) 0xff) || (first == 0 && second != 0)) {
      return StandardCharsets.UTF_16BE;
    }
    if ((first == (byte) 0xff && second == (byte) 0xfe) || (first != 0 && second == 0)) {
      return StandardCharsets.UTF_16LE;
    }
    return StandardCharsets.UTF_8;
  }

  /**
   * Refuses what Git leaves in the place of a large file that was not downloaded.
   *
   * @param file the file
   * @param start its first bytes
   * @throws KerasException if the bytes are those of a Git LFS pointer; says how to get the file
   */
  public static void refusePointer(Path file, byte[] start) {
    int length = Math.min(LFS_POINTER.length, start.length);
    if (length == LFS_POINTER.length
        && Arrays.equals(start, 0, length, LFS_POINTER, 0, LFS_POINTER.length)) {
      throw new KerasException(
          file + " is a Git LFS pointer, not the file itself; `git lfs pull` gets the file");
    }
  }

  /**
   * Refuses a Git LFS pointer in the place of a file of any kind.
   *
   * @param file the file; one that cannot be read is left to who opens it
   * @throws KerasException if it is a Git LFS pointer; says how to get the file
   */
  public static void refusePointer(Path file) {
    if (!Files.isRegularFile(file)) {
      return;
    }
    try (InputStream in = Files.newInputStream(file)) {
      refusePointer(file, in.readNBytes(LFS_POINTER.length));
    } catch (IOException e) {
      // Who opens it says why it cannot be read.
    }
  }
}
