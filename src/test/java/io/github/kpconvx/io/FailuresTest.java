package io.github.kpconvx.io;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.github.kpconvx.Fixtures;
import java.io.EOFException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.MalformedInputException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.ZipException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class FailuresTest {
  @TempDir private Path directory;

  /** Throws. */
  private interface Body {
    void run() throws Exception;
  }

  private static Throwable thrown(Body body) {
    try {
      body.run();
    } catch (Exception | Error e) {
      return e;
    }
    throw new AssertionError("Nothing was thrown");
  }

  private static String reason(Body body) {
    return Failures.reason(thrown(body));
  }

  @Test
  void saysWhatTheFileSystemMeans() throws IOException {
    Path none = directory.resolve("none");
    assertEquals("there is no such file", reason(() -> Files.readString(none)));
    assertEquals("there is no folder " + none, reason(() -> Files.readString(none.resolve("x"))));
    assertEquals("it exists already", reason(() -> Files.createDirectory(directory)));
    Files.writeString(none, "x");
    assertEquals("Not a directory", reason(() -> Files.readString(none.resolve("x").resolve("y"))));
    assertEquals("it is no folder", reason(() -> Fixtures.files(none)));
    assertEquals("it is a folder that is not empty", reason(() -> Files.delete(directory)));
    assertEquals("Is a directory", reason(() -> Files.readString(directory)));
    assertEquals(
        "Is a directory", reason(() -> new RandomAccessFile(directory.toFile(), "r").close()));
    assertEquals("permission denied", Failures.reason(new AccessDeniedException("/x")));
    assertEquals(
        "No space left on device",
        Failures.reason(new FileSystemException("/x", null, "No space left on device")));
    FileChannel closed = FileChannel.open(none);
    closed.close();
    assertEquals("it was closed", reason(() -> closed.read(ByteBuffer.allocate(1))));
    assertEquals(
        "it holds bytes that are no text",
        reason(() -> StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(new byte[] {-1}))));
  }

  @Test
  void takesTheInnermostReasonInOneLine() {
    assertEquals(
        "the inner",
        Failures.reason(
            new IllegalStateException(
                "outer", new UncheckedIOException(new IOException("the inner\nand more")))));
    assertEquals("invalid CEN header", Failures.reason(new ZipException("invalid CEN header")));
  }

  static List<Throwable> ofEveryKind() {
    Object text = "text";
    return Stream.concat(
            Stream.<Body>of(
                    () -> assertEquals(0, Integer.class.cast(text)),
                    () -> ByteBuffer.allocate(1).getInt(),
                    () -> List.of().get(3),
                    () -> assertEquals(0, Integer.parseInt("x")),
                    () -> Math.toIntExact(1L << 40),
                    () -> assertEquals(0, Enum.valueOf(Thread.State.class, "x")),
                    () -> Class.forName("org.example.Missing"),
                    () -> assertEquals(0, new byte[Integer.parseInt("-1")].length))
                .map(FailuresTest::thrown),
            Stream.of(
                new IOException(),
                new IOException(" \n"),
                new RuntimeException(new EOFException()),
                new BufferUnderflowException(),
                new MalformedInputException(3),
                new FileNotFoundException("a"),
                new FileSystemException("a"),
                new StackOverflowError(),
                new OutOfMemoryError("Java heap space"),
                new NullPointerException("Cannot invoke \"org.example.A.b()\" because it is null"),
                new IllegalStateException("java.io.IOException: org.example.Odd: it broke"),
                new UnsatisfiedLinkError("no jnitensorflow in java.library.path")))
        .toList();
  }

  @ParameterizedTest
  @MethodSource("ofEveryKind")
  void namesNoClassOfJava(Throwable thrown) {
    String reason = Failures.reason(thrown);
    assertFalse(reason.isBlank());
    assertFalse(
        reason.matches("(?s).*(\\w+\\.)+[A-Z]\\w*.*|.*\\w(Exception|Error)\\b.*|.*\\R.*"), reason);
  }

  @Test
  void keepsWhatWasSaidBesideAClass() {
    assertEquals(
        "it broke",
        Failures.reason(
            new IllegalStateException("java.io.IOException: org.example.Odd: it broke")));
  }
}
