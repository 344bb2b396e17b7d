package io.github.kpconvx.inference;

import io.github.kpconvx.io.Failures;
import io.github.kpconvx.keras.KerasException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.SavedModel;

/**
 * Looks for operations of a stored graph that reach beyond it: TensorFlow runs whatever it finds.
 */
final class StoredOperations {
  /** What opens files, runs other programs' code or talks to other machines. */
  private static final Set<String> REACHING_OUT =
      Set.of(
          "WriteFile",
          "ReadFile",
          "MatchingFiles",
          "WholeFileReader",
          "WholeFileReaderV2",
          "TextLineReader",
          "TextLineReaderV2",
          "FixedLengthRecordReader",
          "FixedLengthRecordReaderV2",
          "TFRecordReader",
          "TFRecordReaderV2",
          "TextLineDataset",
          "TFRecordDataset",
          "TFRecordDatasetV2",
          "FixedLengthRecordDataset",
          "FixedLengthRecordDatasetV2",
          "SaveDataset",
          "SaveDatasetV2",
          "LoadDataset",
          "CacheDataset",
          "CacheDatasetV2",
          "CreateSummaryFileWriter",
          "PrintV2",
          "PyFunc",
          "PyFuncStateless",
          "EagerPyFunc",
          "RpcClient",
          "RpcCall",
          "DebugIdentityV2",
          "DebugIdentity");

  private StoredOperations() {}

  /**
   * Refuses a SavedModel with such operations, before TensorFlow has run anything of it.
   *
   * @param directory the SavedModel
   * @throws KerasException if it has any; names them
   */
  static void requireContained(Path directory) {
    Path file = directory.resolve("saved_model.pb");
    SavedModel model;
    try {
      model = SavedModel.parseFrom(Files.readAllBytes(file));
    } catch (IOException e) {
      throw new KerasException(file + " cannot be read: " + Failures.reason(e), e);
    }
    Set<String> found =
        model.getMetaGraphsList().stream()
            .map(graph -> graph.getGraphDef())
            .flatMap(
                graph ->
                    Stream.concat(
                        graph.getNodeList().stream(),
                        graph.getLibrary().getFunctionList().stream()
                            .flatMap(function -> function.getNodeDefList().stream())))
            .map(NodeDef::getOp)
            .filter(REACHING_OUT::contains)
            .collect(Collectors.toCollection(TreeSet::new));
    if (!found.isEmpty()) {
      throw new KerasException(
          directory
              + " has the operations "
              + found
              + ", which reach beyond the model, such as to files, and are not run; if you trust it,"
              + " allow them (Loader.withUnsafeOperations(true))");
    }
  }
}
