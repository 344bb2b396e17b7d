package io.github.kpconvx.inference;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.savedmodel.SavedModelDirectory;
import io.github.kpconvx.keras.savedmodel.Signature;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.CollectionDef;
import org.tensorflow.proto.FunctionDef;
import org.tensorflow.proto.MetaGraphDef;
import org.tensorflow.proto.NameAttrList;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.OpDef;
import org.tensorflow.proto.SavedModel;
import org.tensorflow.proto.SignatureDef;
import org.tensorflow.proto.TensorInfo;

class StoredOperationsTest {
  private static final String SERVE = "serving_default";

  @TempDir private Path directory;

  private final MetaGraphDef.Builder graph = MetaGraphDef.newBuilder();

  StoredOperationsTest() {
    // serving_default gives y = call(x): served(x) = inner(x), and what the loader runs.
    node("x", "Placeholder");
    node("call", "StatefulPartitionedCall", "x").putAttr("f", function("served"));
    node("y", "Identity", "call:0", "^x");
    node("restore", "PartitionedCall", "x").putAttr("f", function("restoring"));
    node("init", "NoOp", "^table");
    node("table", "InitializeTableV2");
    body("served", "If").putAttr("then_branch", function("inner"));
    body("inner", "MatMul");
    body("restoring", "RestoreV2");
    body("saving", "SaveV2");
    answers(SERVE, "y:0");
    answers("__saved_model_init_op", "init");
  }

  private NodeDef.Builder node(String name, String operation, String... inputs) {
    return graph
        .getGraphDefBuilder()
        .addNodeBuilder()
        .setName(name)
        .setOp(operation)
        .addAllInput(List.of(inputs));
  }

  private NodeDef.Builder body(String function, String operation) {
    return graph
        .getGraphDefBuilder()
        .getLibraryBuilder()
        .addFunctionBuilder()
        .setSignature(OpDef.newBuilder().setName(function))
        .addNodeDefBuilder()
        .setName("inside")
        .setOp(operation);
  }

  private FunctionDef.Builder function(int index) {
    return graph.getGraphDefBuilder().getLibraryBuilder().getFunctionBuilder(index);
  }

  private static AttrValue function(String name) {
    return AttrValue.newBuilder().setFunc(NameAttrList.newBuilder().setName(name)).build();
  }

  private void answers(String signature, String tensor) {
    graph.putSignatureDef(
        signature,
        SignatureDef.newBuilder()
            .putOutputs("y", TensorInfo.newBuilder().setName(tensor).build())
            .build());
  }

  private void check() {
    try {
      Files.write(
          directory.resolve("saved_model.pb"),
          SavedModel.newBuilder().addMetaGraphs(graph).build().toByteArray());
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    requireComputing(directory, SERVE);
  }

  private static void requireComputing(Path directory, String signature) {
    StoredOperations.requireComputing(directory, SavedModelDirectory.parse(directory), signature);
  }

  private void assertRefused(String place) {
    String message = assertThrows(KerasException.class, this::check).getMessage();
    assertTrue(message.startsWith(directory + ": "), message);
    assertTrue(message.contains(" not run: " + place + "; if you trust the model"), message);
  }

  @Test
  void computingAndRestoringIsAllowed() {
    check();
  }

  @Test
  void everyStoredModelComputes() throws IOException {
    int signatures = 0;
    for (Path root : List.of(Path.of("savedmodels"), Path.of("src/test/resources/io"))) {
      try (Stream<Path> files = Files.walk(root)) {
        for (Path file : files.filter(file -> file.endsWith("saved_model.pb")).toList()) {
          for (Signature signature : SavedModelDirectory.open(file.getParent()).signatures()) {
            requireComputing(file.getParent(), signature.name());
            signatures++;
          }
        }
      }
    }
    assertTrue(signatures > 60, signatures + " signatures");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "WriteFile",
        "ReadFile",
        "MatchingFiles",
        "ImmutableConst",
        "LoadAndRemapMatrix",
        "DecodeProtoV2",
        "GenerateVocabRemapping",
        "InitializeTableFromTextFileV2",
        "TextLineDatasetV3",
        "CacheDatasetV2",
        "PyFunc",
        "PyFuncStateless",
        "EagerPyFunc",
        "PrintV2",
        "Print",
        "Timestamp",
        "RemoteCall",
        "RpcCall",
        "_Send",
        "_Recv",
        "GetSessionHandleV2",
        "FileSystemSetConfiguration",
        "DebugIdentityV3",
        "Abort",
        "QueueDequeueV2",
        "CollectiveReduceV2",
        "ConfigureDistributedTPU",
        "WriteSummary",
        "XlaHostCompute",
        "SymbolicGradient",
        "BatchFunction",
        "OfSomebodyElse",
        ""
      })
  void whatDoesMoreOrIsUnknownIsRefusedWhereverItIs(String operation) {
    NodeDef.Builder inside = function(1).getNodeDefBuilder(0).setOp(operation);
    assertRefused(operation + " (node inside of the function inner)");
    inside.setOp("MatMul");
    check();
    node("unused", operation);
    assertRefused(operation + " (node unused)");
  }

  @Test
  void savingAndRestoringIsForTheLoaderAlone() {
    NodeDef.Builder inside = function(1).getNodeDefBuilder(0).setOp("RestoreV2");
    assertRefused("RestoreV2 (node inside of the function inner)");
    inside.setOp("MatMul").putAttr("f", function("restoring"));
    assertRefused("RestoreV2 (node inside of the function restoring)");
    inside.removeAttr("f").setOp("restoring");
    assertRefused("RestoreV2 (node inside of the function restoring)");
    AttrValue.Builder branches = AttrValue.newBuilder();
    branches.getListBuilder().addFuncBuilder().setName("inner");
    branches.getListBuilder().addFuncBuilder().setName("saving");
    inside.setOp("Case").putAttr("branches", branches.build());
    assertRefused("SaveV2 (node inside of the function saving)");
    inside.removeAttr("branches");
    check();
    node("late", "SaveV2");
    check();
    graph.getGraphDefBuilder().getNodeBuilder(2).addInput("^late");
    assertRefused("SaveV2 (node late)");
  }

  @Test
  void aFunctionOfTheSameInterfaceMayTakeThePlaceOfOne() {
    AttrValue same =
        AttrValue.newBuilder().setS(com.google.protobuf.ByteString.copyFromUtf8("a")).build();
    function(1).putAttr("api_implements", same);
    check();
    function(3).putAttr("api_implements", same);
    assertRefused("SaveV2 (node inside of the function saving)");
  }

  @Test
  void whoeverTrustsAModelMayAllowAll() {
    KPConvX.Loader loader =
        KPConvX.loader(Path.of("src/test/resources/hostile/savedmodel_WriteFile"))
            .withEngine(Engine.SAVEDMODEL);
    String message = assertThrows(KerasException.class, loader::load).getMessage();
    assertTrue(message.contains("WriteFile (node WriteFile of the function"), message);
    loader.withUnsafeOperations(true).load().close();
  }

  @Test
  void whatTheLoaderRunsComputesToo() {
    graph.getGraphDefBuilder().getNodeBuilder(5).setOp("RestoreV2");
    assertRefused("RestoreV2 (node table)");
    graph.removeSignatureDef("__saved_model_init_op");
    check();
    CollectionDef.Builder first = CollectionDef.newBuilder();
    first.getNodeListBuilder().addValue("init");
    graph.putCollectionDef("saved_model_main_op", first.build());
    assertRefused("RestoreV2 (node table)");
  }

  @Test
  void namesSomeOfManyAndCountsTheOthers() {
    for (int i = 0; i < 5; i++) {
      node("n" + i, "PrintV2");
    }
    assertRefused("PrintV2 (node n0), PrintV2 (node n1), PrintV2 (node n2) and 2 more");
  }

  @Test
  void anotherSignatureMayDoWhatItLikesWithVariables() {
    node("z", "Identity", "restore");
    answers("other", "z:0");
    check();
    assertEquals(
        1,
        assertThrows(KerasException.class, () -> requireComputing(directory, "other"))
                .getMessage()
                .split("RestoreV2", -1)
                .length
            - 1);
  }
}
