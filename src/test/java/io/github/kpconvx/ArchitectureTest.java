package io.github.kpconvx;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.syntax.ArchRuleDefinition;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.tensorflow.op.Ops;

/**
 * Packages depend one way, and what an embedding application does not get is used by the tools
 * only.
 */
class ArchitectureTest {
  private static final String ROOT = "io.github.kpconvx.";

  private static final ArchRule ARROWS_POINT_DOWN =
      layeredArchitecture()
          .consideringOnlyDependenciesInLayers()
          .layer("io")
          .definedBy(ROOT + "io..")
          .layer("keras")
          .definedBy(ROOT + "keras..")
          .layer("numpy")
          .definedBy(ROOT + "numpy..")
          .layer("tensor")
          .definedBy(ROOT + "tensor..")
          .layer("layer")
          .definedBy(ROOT + "layer..")
          .layer("network")
          .definedBy(ROOT + "network..")
          .layer("inference")
          .definedBy(ROOT + "inference..")
          .layer("training")
          .definedBy(ROOT + "training..")
          .layer("pointcloud")
          .definedBy(
              ROOT + "pointcloud", ROOT + "pointcloud.receptive..", ROOT + "pointcloud.picture..")
          .layer("classification")
          .definedBy(ROOT + "pointcloud.classification..")
          .layer("report")
          .definedBy(ROOT + "report..")
          .layer("golden")
          .definedBy(ROOT + "golden..")
          .layer("cli")
          .definedBy(ROOT + "cli..")
          .whereLayer("cli")
          .mayNotBeAccessedByAnyLayer()
          .whereLayer("inference")
          .mayOnlyBeAccessedByLayers("golden", "classification", "cli")
          .whereLayer("training")
          .mayOnlyBeAccessedByLayers("cli")
          .whereLayer("network")
          .mayOnlyBeAccessedByLayers("inference", "training", "golden", "cli")
          .whereLayer("layer")
          .mayOnlyBeAccessedByLayers("network", "inference", "training", "report", "golden", "cli")
          .whereLayer("keras")
          .mayOnlyBeAccessedByLayers(
              "layer",
              "network",
              "inference",
              "training",
              "report",
              "golden",
              "classification",
              "cli")
          .whereLayer("numpy")
          .mayOnlyBeAccessedByLayers(
              "tensor", "inference", "training", "golden", "pointcloud", "classification", "cli")
          .whereLayer("tensor")
          .mayOnlyBeAccessedByLayers("inference", "training", "golden", "cli")
          .whereLayer("pointcloud")
          .mayOnlyBeAccessedByLayers("classification", "cli")
          .whereLayer("classification")
          .mayOnlyBeAccessedByLayers("cli")
          .whereLayer("report")
          .mayOnlyBeAccessedByLayers("cli")
          .whereLayer("io")
          .mayNotAccessAnyLayer()
          .whereLayer("golden")
          .mayOnlyBeAccessedByLayers("cli");

  private static final ArchRule NO_CYCLES =
      slices().matching(ROOT + "(*)..").should().beFreeOfCycles();

  private static final ArchRule NO_CYCLES_AMONG_FILES =
      slices().matching(ROOT + "keras.(*)..").should().beFreeOfCycles();

  private static final ArchRule OPTIONAL_LIBRARIES_STAY_IN_THE_TOOLS =
      ArchRuleDefinition.noClasses()
          .that()
          .resideOutsideOfPackages(ROOT + "cli..", ROOT + "pointcloud..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("picocli..", "me.tongfei..", "com.github.mreutegg..");

  /**
   * TensorFlow Java copies the names of all operations of the graph for each scope within a scope:
   * opening a model would take time by the square of its layers.
   */
  private static final ArchRule NO_SCOPE_WITHIN_A_SCOPE =
      ArchRuleDefinition.noClasses().should().callMethod(Ops.class, "withSubScope", String.class);

  private static final ArchRule ERRORS_HAVE_ONE_ROOT =
      classes()
          .that()
          .areAssignableTo(Throwable.class)
          .should()
          .beAssignableTo(KpconvxException.class);

  /** What a layer is knows no layer in particular; how rows are computed knows no port. */
  private static final ArchRule THE_INTERFACE_KNOWS_NO_LAYER =
      ArchRuleDefinition.noClasses()
          .that()
          .resideInAnyPackage(
              ROOT + "layer",
              ROOT + "layer.function",
              ROOT + "layer.tiling",
              ROOT + "network..",
              ROOT + "training..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(ROOT + "layer.core..", ROOT + "layer.vl3d..");

  private static final ArchRule KERAS_LAYERS_KNOW_NOT_VL3D =
      ArchRuleDefinition.noClasses()
          .that()
          .resideInAPackage(ROOT + "layer.core..")
          .should()
          .dependOnClassesThat()
          .resideInAPackage(ROOT + "layer.vl3d..");

  private static final ArchRule KERAS_KNOWS_NO_POINT_CLOUDS =
      ArchRuleDefinition.noClasses()
          .that()
          .resideInAPackage(ROOT + "keras..")
          .should()
          .dependOnClassesThat()
          .haveSimpleNameContaining("KPConv");

  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(new ImportOption.DoNotIncludeTests())
          .importPackages("io.github.kpconvx");

  static Stream<ArchRule> rules() {
    return Stream.of(
        ARROWS_POINT_DOWN,
        NO_CYCLES,
        NO_CYCLES_AMONG_FILES,
        OPTIONAL_LIBRARIES_STAY_IN_THE_TOOLS,
        NO_SCOPE_WITHIN_A_SCOPE,
        ERRORS_HAVE_ONE_ROOT,
        THE_INTERFACE_KNOWS_NO_LAYER,
        KERAS_LAYERS_KNOW_NOT_VL3D,
        KERAS_KNOWS_NO_POINT_CLOUDS);
  }

  @ParameterizedTest
  @MethodSource("rules")
  void holds(ArchRule rule) {
    rule.check(CLASSES);
  }
}
