package io.github.kpconvx.keras.savedmodel;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.UnknownFieldSet;
import io.github.kpconvx.io.Failures;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.Json;
import io.github.kpconvx.keras.config.KerasObject;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What {@code model.save} of Keras 2 puts beside a SavedModel in {@code keras_metadata.pb}: for
 * each layer among the SavedModel's objects its class, name and configuration.
 *
 * @see <a
 *     href="https://github.com/keras-team/tf-keras/blob/master/tf_keras/protobuf/saved_metadata.proto">saved_metadata.proto</a>
 */
final class Keras2Metadata {
  /** Field numbers of SavedMetadata and of its SavedObject. */
  private static final int NODES = 1;

  private static final int NODE_ID = 2;
  private static final int METADATA = 5;

  private final Map<Integer, JsonNode> nodes = new HashMap<>();

  /**
   * Parses the file.
   *
   * @param bytes its content
   * @param file names it in errors
   * @throws KerasException if it is damaged
   */
  Keras2Metadata(byte[] bytes, String file) {
    try {
      for (UnknownFieldSet node : messages(UnknownFieldSet.parseFrom(bytes))) {
        List<Long> id = node.getField(NODE_ID).getVarintList();
        long number = id.isEmpty() ? 0 : id.get(id.size() - 1);
        byte[] text =
            node.getField(METADATA).getLengthDelimitedList().stream()
                .reduce((first, last) -> last)
                .map(ByteString::toByteArray)
                .orElse("{}".getBytes(StandardCharsets.UTF_8));
        nodes.put((int) number, Json.object(text, "%s, object %d".formatted(file, number)));
      }
    } catch (InvalidProtocolBufferException e) {
      throw new KerasException(file + " is damaged: " + Failures.reason(e), e);
    }
    if (!nodes.containsKey(ObjectGraph.ROOT)) {
      throw new KerasException(
          "%s is damaged: it tells of %d objects, expected the model among them"
              .formatted(file, nodes.size()));
    }
  }

  private static List<UnknownFieldSet> messages(UnknownFieldSet file)
      throws InvalidProtocolBufferException {
    List<UnknownFieldSet> messages = new ArrayList<>();
    for (ByteString bytes : file.getField(NODES).getLengthDelimitedList()) {
      messages.add(UnknownFieldSet.parseFrom(bytes));
    }
    return messages;
  }

  /** The version of Keras that wrote the model. */
  Optional<String> kerasVersion() {
    return Optional.ofNullable(nodes.get(ObjectGraph.ROOT).path("keras_version").textValue());
  }

  /** The model as a serialized Keras object; a subclassed model has none. */
  Optional<JsonNode> config() {
    JsonNode model = nodes.get(ObjectGraph.ROOT).path("model_config");
    return KerasObject.isKerasObject(model) ? Optional.of(model) : Optional.empty();
  }

  /** What the model was compiled with, if it was. */
  Optional<JsonNode> compiled() {
    return Optional.of(nodes.get(ObjectGraph.ROOT).path("training_config"))
        .filter(JsonNode::isObject);
  }

  /**
   * The name of a layer.
   *
   * @param node its number among the SavedModel's objects
   * @return the name, if the object is a layer
   */
  Optional<String> layerName(int node) {
    return Optional.ofNullable(nodes.get(node)).map(layer -> layer.path("name").textValue());
  }
}
