package io.github.kpconvx.example;

import static io.github.kpconvx.golden.GoldenAssertions.assertGradientsMatchGolden;
import static io.github.kpconvx.golden.GoldenAssertions.assertMatchesGolden;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.kpconvx.Fixtures;
import io.github.kpconvx.PythonEnvironment;
import io.github.kpconvx.inference.Engine;
import io.github.kpconvx.inference.KPConvX;
import io.github.kpconvx.inference.Model;
import io.github.kpconvx.inference.StandardLayers;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.network.LayerRegistry;
import io.github.kpconvx.network.UnsupportedModelException;
import io.github.kpconvx.numpy.NpyArray;
import io.github.kpconvx.numpy.NpzFile;
import java.io.IOException;
import java.io.StringWriter;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the page "Port your own layer" says, and the command that begins a port. */
class PortYourOwnLayerTest {
  private static final Path RESOURCES = Path.of("src/test/resources/example");
  private static final Path GOLDEN = RESOURCES.resolve("context_gate");
  private static final Path PAGE = Path.of("src/site/port_a_layer.md");
  private static final String CLASS = "kpconvx_compat.context_gate:ContextGate";

  private static final LayerRegistry LAYERS =
      StandardLayers.registry().with("example>ContextGate", ContextGate::new);

  @TempDir private Path directory;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "src/test/java/io/github/kpconvx/example/ContextGate.java",
        "python-compat/kpconvx_compat/context_gate.py"
      })
  void thePageShowsTheVeryCode(String file) throws IOException {
    String language = file.endsWith(".py") ? "python" : "java";
    Matcher block =
        Pattern.compile("```" + language + "\n(.*?)```", Pattern.DOTALL)
            .matcher(Files.readString(PAGE));
    assertTrue(block.find());
    assertTrue(Files.readString(Path.of(file)).endsWith("\n" + block.group(1)), block.group(1));
  }

  /** As in an application that has the service among its resources. */
  private static void withService(Runnable test) throws IOException {
    Thread thread = Thread.currentThread();
    ClassLoader before = thread.getContextClassLoader();
    URL[] resources = {RESOURCES.resolve("services").toUri().toURL()};
    try (URLClassLoader loader = new URLClassLoader(resources, before)) {
      thread.setContextClassLoader(loader);
      test.run();
    } finally {
      thread.setContextClassLoader(before);
    }
  }

  @ParameterizedTest
  @EnumSource(
      mode = EnumSource.Mode.EXCLUDE,
      names = {"SAVEDMODEL"})
  void aServiceIsFoundByEveryLoader(Engine engine) throws IOException {
    KPConvX.Loader loader = KPConvX.loader(GOLDEN.resolve("model.keras")).withEngine(engine);
    assertThrows(UnsupportedModelException.class, loader::load);
    withService(
        () -> {
          try (Model model = loader.load()) {
            assertEquals(engine == Engine.AUTO ? Engine.FOLDED : engine, model.engine());
            assertMatchesGolden(model, GOLDEN);
          }
        });
  }

  @Test
  void whatIsGivenToTheLoaderGoesBeforeAService() throws IOException {
    withService(
        () -> {
          LayerRegistry layers =
              StandardLayers.registry()
                  .with(
                      "example>ContextGate",
                      object -> {
                        throw new KerasException("the given one");
                      });
          KPConvX.Loader loader = KPConvX.loader(GOLDEN.resolve("model.keras")).withLayers(layers);
          UnsupportedModelException error =
              assertThrows(UnsupportedModelException.class, loader::load);
          assertTrue(error.getMessage().contains("the given one"), error.getMessage());
        });
  }

  @ParameterizedTest
  @ValueSource(strings = {"input/x", "weight/0", "weight/2"})
  void anotherGradientIsNamed(String name) throws IOException {
    for (String file :
        List.of("model.keras", "inputs.npz", "golden.npz", "golden.json", "gradients.npz")) {
      Files.copy(GOLDEN.resolve(file), directory.resolve(file));
    }
    Path file = directory.resolve("gradients.npz");
    Map<String, NpyArray> gradients = new LinkedHashMap<>(NpzFile.read(file));
    NpyArray right = gradients.get(name);
    float[] values = right.toFloats();
    values[1] += 1e-3f * Math.max(1, Math.abs(values[1]));
    gradients.put(name, NpyArray.of(values, right.shape()));
    NpzFile.write(file, gradients);
    AssertionError error =
        assertThrows(AssertionError.class, () -> assertGradientsMatchGolden(directory, LAYERS));
    String named =
        switch (name) {
          case "weight/0" -> "weight context_gate/excite";
          case "weight/2" -> "weight context_gate/squeeze/bias";
          default -> name;
        };
    assertTrue(
        error.getMessage().contains("gradient of " + named + " differs first"), error.getMessage());
  }

  @Test
  void theSkeletonCompilesAndItsTestSaysWhatToDo() throws Exception {
    for (String file : List.of("ContextGate.java", "ContextGateTest.java")) {
      Files.copy(RESOURCES.resolve("skeleton").resolve(file + ".txt"), directory.resolve(file));
    }
    requireTestSaysWhatToDo(directory);
  }

  private static void requireTestSaysWhatToDo(Path port) throws Exception {
    compile(port);
    // Before the library's own, which has a layer of the same name.
    try (URLClassLoader loader = new URLClassLoader(new URL[] {port.toUri().toURL()})) {
      Class<?> test = loader.loadClass("ported.ContextGateTest");
      var made = test.getDeclaredConstructor();
      made.setAccessible(true);
      for (String name : List.of("computesWhatKerasComputes", "hasTheGradientsOfKeras")) {
        Method method = test.getDeclaredMethod(name);
        method.setAccessible(true);
        Object instance = made.newInstance();
        Throwable failure =
            assertThrows(InvocationTargetException.class, () -> method.invoke(instance)).getCause();
        assertTrue(
            failure.getMessage().contains("ContextGate.compute is not written yet"),
            failure.toString());
      }
    }
  }

  private static void compile(Path port) throws IOException {
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    assertNotNull(compiler, "a JDK");
    StringWriter errors = new StringWriter();
    try (StandardJavaFileManager files = compiler.getStandardFileManager(null, null, null);
        Stream<Path> sources = Files.list(port)) {
      List<Path> java = sources.filter(file -> file.toString().endsWith(".java")).toList();
      List<String> options =
          List.of(
              "-d",
              port.toString(),
              "-cp",
              System.getProperty("java.class.path"),
              "-proc:none",
              "-Xlint:all,-path,-processing,-classfile",
              "-Werror");
      assertTrue(
          compiler
              .getTask(errors, files, null, options, null, files.getJavaFileObjectsFromPaths(java))
              .call(),
          errors::toString);
    }
  }

  private void port(String environment, Path out, String... options) throws Exception {
    List<String> arguments =
        new ArrayList<>(List.of("-m", "kpconvx_compat.port", "--out", out.toString()));
    arguments.addAll(List.of(options));
    PythonEnvironment.find(environment).run(arguments.toArray(String[]::new));
  }

  @Tag(Fixtures.FULL)
  @ParameterizedTest
  @ValueSource(strings = {".venv-tf218", ".venv-latest"})
  void theLayerIsTheOneInPython(String environment) throws Exception {
    Path out = directory.resolve("port");
    port(environment, out, CLASS, "--config", "{\"ratio\": 3}", "--input", "(None, 12)");
    assertMatchesGolden(out.resolve("golden"), LAYERS);
    assertGradientsMatchGolden(out.resolve("golden"), LAYERS);
  }

  /** One with every kind of argument, weight and sublayer. */
  @Tag(Fixtures.FULL)
  @ParameterizedTest
  @ValueSource(strings = {".venv-tf218", ".venv-latest"})
  void anySkeletonCompiles(String environment) throws Exception {
    Path out = directory.resolve("port");
    port(
        environment,
        out,
        "tests.test_port:Everything",
        "--input",
        "(None, 5)",
        "--input",
        "(4,):int32");
    compile(out);
  }

  @Tag(Fixtures.FULL)
  @ParameterizedTest
  @ValueSource(strings = {".venv-tf218", ".venv-latest"})
  void theCommandWritesTheSkeleton(String environment) throws Exception {
    Path out = directory.resolve("port");
    port(
        environment,
        out,
        CLASS,
        "--config",
        "{\"ratio\": 2}",
        "--input",
        "(None, 8)",
        "--package",
        "ported",
        "--golden",
        GOLDEN.toString());
    for (String file : List.of("ContextGate.java", "ContextGateTest.java")) {
      assertEquals(
          Files.readString(RESOURCES.resolve("skeleton").resolve(file + ".txt")),
          Files.readString(out.resolve(file)));
    }
    requireTestSaysWhatToDo(out);
  }
}
