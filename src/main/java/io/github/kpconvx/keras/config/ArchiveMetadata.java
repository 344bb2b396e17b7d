package io.github.kpconvx.keras.config;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.Locale;

/** What a model tells of itself in an archive's {@code metadata.json}. */
public final class ArchiveMetadata {
  private static final DateTimeFormatter DATE =
      DateTimeFormatter.ofPattern("yyyy-MM-dd@HH:mm:ss", Locale.ROOT);

  private ArchiveMetadata() {}

  /**
   * That of a model that is written now.
   *
   * @param kerasVersion the version of Keras whose configuration it holds
   * @return a JSON object
   */
  public static byte[] of(String kerasVersion) {
    return Json.bytes(
        JsonNodeFactory.instance
            .objectNode()
            .put(KerasObject.KERAS_VERSION, kerasVersion)
            .put("date_saved", DATE.format(LocalDateTime.now(ZoneId.systemDefault()))));
  }
}
