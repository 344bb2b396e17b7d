package io.github.kpconvx.cli;

import io.github.kpconvx.KpconvxException;
import io.github.kpconvx.io.Failures;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

/**
 * The program. Results go to standard output, progress and errors to standard error; the exit
 * status is 0, or 1 for a failure with one clear line, or 2 for bad usage.
 */
@Command(
    name = "kpconvx",
    description = "Runs Keras point-cloud models with KPConvX layers. Without a command: demo.",
    mixinStandardHelpOptions = true,
    versionProvider = Main.Version.class,
    subcommands = {
      BenchCommand.class,
      ConvertCommand.class,
      DemoCommand.class,
      ExportRepresentationCommand.class,
      InspectCommand.class,
      PredictCommand.class,
      TrainCommand.class,
      VerifyCommand.class
    })
public final class Main implements Runnable {
  @Option(
      names = "--debug",
      description = "Shows the stack trace of a failure.",
      scope = ScopeType.INHERIT)
  private boolean debug;

  /** What the system says where nobody reads what a pipe is given. */
  private static final String BROKEN_PIPE = "Broken pipe";

  private Main() {}

  /**
   * Runs the program and ends the JVM.
   *
   * @param arguments the command line
   */
  public static void main(String[] arguments) {
    StandardOutput output = StandardOutput.install();
    int status = run(arguments);
    Optional<String> failure = output.failure();
    if (failure.isPresent()) {
      // Whoever closes a pipe has read enough.
      if (!failure.get().contains(BROKEN_PIPE)) {
        System.err.println("error: standard output cannot be written: " + failure.get());
      }
      status = Math.max(status, 1);
    }
    System.exit(status);
  }

  /** Warnings are lines of standard error, without the names of threads and classes. */
  private static void setUpLog() {
    String logger = "org.slf4j.simpleLogger.";
    Map.of(
            "defaultLogLevel", "warn",
            "showThreadName", "false",
            "showLogName", "false",
            "log.io.jhdf", "error")
        .forEach((key, value) -> System.getProperties().putIfAbsent(logger + key, value));
  }

  /**
   * Runs the program.
   *
   * @param arguments the command line
   * @return the exit status
   */
  public static int run(String... arguments) {
    // Pictures are drawn, never shown.
    System.setProperty("java.awt.headless", "true");
    setUpLog();
    NativeLibraries.setUp();
    Main main = new Main();
    CommandLine line = new CommandLine(main);
    line.setOut(new PrintWriter(System.out, true, StandardCharsets.UTF_8));
    line.setErr(new PrintWriter(System.err, true, StandardCharsets.UTF_8));
    line.setCaseInsensitiveEnumValuesAllowed(true);
    line.setExecutionExceptionHandler(
        (exception, command, parsed) -> {
          if (main.debug) {
            exception.printStackTrace(command.getErr());
          }
          command.getErr().println("error: " + message(exception));
          return 1;
        });
    try {
      return line.execute(arguments.length == 0 ? new String[] {"demo"} : arguments);
    } catch (Error e) { // picocli's handler gets exceptions alone.
      if (main.debug) {
        e.printStackTrace(line.getErr());
      }
      line.getErr().println("error: " + message(e));
      return 1;
    }
  }

  private static String message(Throwable failure) {
    String text;
    if (failure instanceof KpconvxException) {
      text = failure.getMessage();
    } else if (failure instanceof OutOfMemoryError) {
      text =
          "out of memory (%s); this JVM may use %,d MiB of heap: give it more, java -Xmx…, or less to do"
              .formatted(failure.getMessage(), Runtime.getRuntime().maxMemory() >> 20);
    } else if (failure instanceof StackOverflowError) {
      text = "nested too deeply; --debug shows where";
    } else {
      text = "unexpected failure: " + Failures.reason(failure) + "; --debug shows where";
    }
    return text.replaceAll("\\s*\\R\\s*", " ");
  }

  /** Reads the version that the build wrote down. */
  static final class Version implements CommandLine.IVersionProvider {
    @Override
    public String[] getVersion() throws IOException {
      try (InputStream in = Main.class.getResourceAsStream("version.txt")) {
        return new String[] {new String(in.readAllBytes(), StandardCharsets.UTF_8).strip()};
      }
    }
  }

  @Override
  public void run() {
    throw new CommandLine.ParameterException(
        new CommandLine(this),
        "Missing command, expected one of "
            + String.join(", ", new CommandLine(this).getSubcommands().keySet()));
  }
}
