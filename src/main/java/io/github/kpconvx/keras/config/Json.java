package io.github.kpconvx.keras.config;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.kpconvx.io.Failures;
import io.github.kpconvx.keras.KerasException;
import java.io.IOException;

/** Reads and writes JSON as Python's {@code json} does, NaN and Infinity included. */
public final class Json {
  private static final JsonMapper MAPPER =
      JsonMapper.builder()
          .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .disable(JsonWriteFeature.WRITE_NAN_AS_STRINGS)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private Json() {}

  /**
   * The text that a value is.
   *
   * @param value any value, or a missing one
   * @return its text; empty if it is none
   */
  public static String text(JsonNode value) {
    return value.isTextual() ? value.textValue() : "";
  }

  /**
   * Reads one JSON object.
   *
   * @param bytes the text in UTF-8 or UTF-16
   * @param what names the text in errors
   * @return the object
   * @throws KerasException if the text is not exactly one JSON object
   */
  public static ObjectNode object(byte[] bytes, String what) {
    JsonNode node = value(bytes, what);
    if (!(node instanceof ObjectNode object)) {
      throw new KerasException(
          what + " holds a JSON value of type " + node.getNodeType() + ", expected an object");
    }
    return object;
  }

  /**
   * Reads one JSON value.
   *
   * @param bytes the text in UTF-8
   * @param what names the text in errors
   * @return the value
   * @throws KerasException if the text is not exactly one JSON value
   */
  static JsonNode value(byte[] bytes, String what) {
    try {
      return MAPPER.readTree(bytes);
    } catch (JsonProcessingException e) {
      JsonLocation at = e.getLocation();
      String where =
          at == null ? "" : " (line %d, column %d)".formatted(at.getLineNr(), at.getColumnNr());
      throw new KerasException(what + " is no valid JSON: " + e.getOriginalMessage() + where, e);
    } catch (IOException e) {
      throw new KerasException(what + " cannot be read: " + Failures.reason(e), e);
    }
  }

  /**
   * Writes a JSON value.
   *
   * @param value the value
   * @return its text in UTF-8
   */
  public static byte[] bytes(JsonNode value) {
    try {
      return MAPPER.writeValueAsBytes(value);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException("A JSON tree is always text: " + value, e);
    }
  }
}
