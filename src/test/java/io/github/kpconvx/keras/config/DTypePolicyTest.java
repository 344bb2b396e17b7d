package io.github.kpconvx.keras.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.kpconvx.dtype.DType;
import io.github.kpconvx.keras.KerasException;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Policies as each version of Keras writes them. */
class DTypePolicyTest {
  private static DTypePolicy read(String json, Set<DType> supported) {
    ObjectNode config = (ObjectNode) KerasObject.parseJson(json);
    return DTypePolicy.of(ConfigReader.of("Dense \"head\"", config), supported);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{}|float32|FLOAT32|FLOAT32",
        "{\"dtype\": null}|float32|FLOAT32|FLOAT32",
        "{\"dtype\": \"float64\"}|float64|FLOAT64|FLOAT64",
        "{\"dtype\": \"mixed_float16\"}|mixed_float16|FLOAT16|FLOAT32",
        "{\"dtype\": {\"module\": \"keras\", \"class_name\": \"DTypePolicy\", \"config\":"
            + " {\"name\": \"mixed_bfloat16\"}, \"registered_name\": null}}"
            + "|mixed_bfloat16|BFLOAT16|FLOAT32",
        "{\"dtype\": {\"class_name\": \"FloatDTypePolicy\", \"config\": {\"name\": \"float16\"}}}"
            + "|float16|FLOAT16|FLOAT16",
        "{\"dtype\": {\"class_name\": \"Policy\", \"config\": {\"name\": \"bfloat16\"}}}"
            + "|bfloat16|BFLOAT16|BFLOAT16",
      })
  void readsPolicies(String json, String name, DType compute, DType variable) {
    assertEquals(new DTypePolicy(name, compute, variable), read(json, DType.FLOATS));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"dtype\": \"float8\"}|dtype = \"float8\"",
        "{\"dtype\": 16}|dtype = 16",
        "{\"dtype\": \"mixed_float32\"}|dtype = \"mixed_float32\"",
        "{\"dtype\": \"mixed_\"}|dtype = \"mixed_\"",
        "{\"dtype\": \"FLOAT32\"}|dtype = \"FLOAT32\"",
        "{\"dtype\": \"int32\"}|dtype = \"int32\"",
        "{\"dtype\": {\"name\": \"float32\"}}|dtype = {\"name\":\"float32\"}",
        "{\"dtype\": {\"class_name\": \"QuantizedDTypePolicy\", \"config\": {\"mode\": \"int8\","
            + " \"source_name\": \"float32\"}}}"
            + "|dtype = {\"class_name\":\"QuantizedDTypePolicy\",\"config\":{\"mode\":\"int8\","
            + "\"source_name\":\"float32\"}}",
      })
  void refusesOthersByName(String json, String found) {
    KerasException error = assertThrows(KerasException.class, () -> read(json, DType.FLOATS), json);
    assertEquals(
        "Dense \"head\": "
            + found
            + ", expected \"float16\" or \"bfloat16\" or \"float32\" or \"float64\" or"
            + " \"mixed_float16\" or \"mixed_bfloat16\"",
        error.getMessage());
  }

  @ParameterizedTest
  @CsvSource({"mixed_float16", "float64"})
  void refusesWhatALayerCannotComputeIn(String policy) {
    KerasException error =
        assertThrows(
            KerasException.class,
            () -> read("{\"dtype\": \"" + policy + "\"}", Set.of(DType.FLOAT32)));
    assertEquals(
        List.of("Dense \"head\": dtype = \"" + policy + "\", expected \"float32\""),
        List.of(error.getMessage()));
  }
}
