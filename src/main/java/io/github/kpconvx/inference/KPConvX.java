package io.github.kpconvx.inference;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.kpconvx.keras.KerasException;
import io.github.kpconvx.keras.config.CompiledLosses;
import io.github.kpconvx.keras.config.KerasObject;
import io.github.kpconvx.keras.file.StoredModel;
import io.github.kpconvx.keras.savedmodel.Assets;
import io.github.kpconvx.keras.weights.StoredWeight;
import io.github.kpconvx.layer.CallContext;
import io.github.kpconvx.layer.Formulation;
import io.github.kpconvx.layer.KernelPoints;
import io.github.kpconvx.layer.Mode;
import io.github.kpconvx.layer.WeightLoader;
import io.github.kpconvx.layer.vl3d.GaussianFilter;
import io.github.kpconvx.network.LayerRegistry;
import io.github.kpconvx.network.Network;
import io.github.kpconvx.network.UnsupportedModelException;
import io.github.kpconvx.network.WriteOptions;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tensorflow.Graph;
import org.tensorflow.Output;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.proto.ConfigProto;
import org.tensorflow.proto.RunOptions;
import org.tensorflow.proto.SavedModel;
import org.tensorflow.types.family.TType;

/**
 * Loads models: a SavedModel directory, a {@code .keras} archive, a {@code .h5} or a {@code
 * .weights.h5}.
 *
 * <pre>{@code
 * try (Model model = KPConvX.load(Path.of("savedmodels/aerial"))) { … }
 * }</pre>
 */
public final class KPConvX {
  private static final Logger LOG = LoggerFactory.getLogger(KPConvX.class);

  private static final String SIGNATURE = "serving_default";

  private static final String ASKED_FOR = "it was asked for";

  private KPConvX() {}

  /**
   * Loads a model with the engine {@link Engine#AUTO}.
   *
   * @param model a SavedModel directory, a {@code .keras} archive or a whole model's {@code .h5}
   * @return the model, the caller's to close
   * @throws KerasException if it cannot be loaded; says what was found and what was expected
   */
  public static Model load(Path model) {
    return loader(model).load();
  }

  /**
   * Starts loading a model with options.
   *
   * @param model a SavedModel directory, a {@code .keras} archive, a {@code .h5} or a {@code
   *     .weights.h5}
   * @return a loader
   */
  public static Loader loader(Path model) {
    return new Loader(model, () -> StoredModel.open(model));
  }

  /**
   * Starts loading a model that is in memory, as from a database or a stream ({@link
   * java.io.InputStream#readAllBytes}).
   *
   * @param name names it in errors, such as {@code model.keras}
   * @param content a {@code .keras} archive, a {@code .h5} or a {@code .weights.h5}; not copied, so
   *     it must stay as it is for as long as the loader is used
   * @return a loader
   */
  public static Loader loader(String name, byte[] content) {
    return new Loader(Path.of(name), () -> StoredModel.of(name, content));
  }

  /**
   * Loads a model. Immutable: each option gives another loader, and what was loaded knows nothing
   * of options that are given later.
   */
  public static final class Loader {
    private final Path path;
    private final Supplier<StoredModel> file;
    private Engine engine = Engine.AUTO;
    private Optional<KerasObject> config = Optional.empty();
    private Optional<KernelPoints> kernelPoints = Optional.empty();
    private Optional<LayerRegistry> registry = Optional.empty();
    private GaussianFilter gaussian = GaussianFilter.UNKNOWN;
    private String signature = SIGNATURE;
    private boolean unsafeOperations;
    private ConfigProto session = ConfigProto.getDefaultInstance();
    private RunOptions options = RunOptions.getDefaultInstance();

    private Loader(Path path, Supplier<StoredModel> file) {
      this.path = path;
      this.file = file;
    }

    private Loader with(Consumer<Loader> option) {
      Loader copy = new Loader(path, file);
      copy.engine = engine;
      copy.config = config;
      copy.kernelPoints = kernelPoints;
      copy.registry = registry;
      copy.gaussian = gaussian;
      copy.signature = signature;
      copy.unsafeOperations = unsafeOperations;
      copy.session = session;
      copy.options = options;
      option.accept(copy);
      return copy;
    }

    /**
     * Chooses what computes; {@link Engine#AUTO} otherwise.
     *
     * @param newEngine the engine
     * @return a loader that differs in that
     */
    public Loader withEngine(Engine newEngine) {
      return with(loader -> loader.engine = newEngine);
    }

    /**
     * Gives the configuration of a model whose file holds none, or replaces the file's.
     *
     * @param newConfig a serialized functional model, as from {@code model.to_json()}, or a
     *     serialized KPConvXLayer
     * @return a loader that differs in that
     */
    public Loader withConfig(KerasObject newConfig) {
      return with(loader -> loader.config = Optional.of(newConfig));
    }

    /**
     * Says where kernel points come from that the file does not hold.
     *
     * @param newKernelPoints their source
     * @return a loader that differs in that
     */
    public Loader withKernelPoints(KernelPoints newKernelPoints) {
      return with(loader -> loader.kernelPoints = Optional.of(newKernelPoints));
    }

    /**
     * Where kernel points come from that the file does not hold.
     *
     * @return the source
     */
    public KernelPoints kernelPoints() {
      return kernelPoints.orElseGet(KernelPoints::fromFileOnly);
    }

    /**
     * Says which layers a network may be made of; {@link StandardLayers#registry()} otherwise.
     *
     * @param newRegistry the layers
     * @return a loader that differs in that
     */
    public Loader withLayers(LayerRegistry newRegistry) {
      return with(loader -> loader.registry = Optional.of(newRegistry));
    }

    /**
     * Says what the filter "gaussian" of VL3D's layers that carry features from points to others
     * means, which a file does not tell. Not told, the graph of a SavedModel decides, and any other
     * model with such a filter is an error.
     *
     * @param newGaussian its meaning
     * @return a loader that differs in that
     */
    public Loader withGaussianFilter(GaussianFilter newGaussian) {
      return with(loader -> loader.gaussian = newGaussian);
    }

    /**
     * Which layers a network may be made of, with what is known of their filters.
     *
     * @return the layers
     */
    public LayerRegistry layers() {
      return layers(
          () -> {
            try (StoredModel stored = file.get()) {
              return stored.graph();
            }
          });
    }

    private LayerRegistry layers(Supplier<Optional<SavedModel>> graph) {
      if (gaussian != GaussianFilter.UNKNOWN) {
        return StandardLayers.withFilters(
            registry.orElseGet(StandardLayers::registry), layer -> gaussian);
      }
      // A registry that somebody made has what they put there.
      return registry.orElseGet(
          () ->
              Files.isDirectory(path)
                  ? StandardLayers.registry(new StoredFilters(graph)::of)
                  : StandardLayers.registry());
    }

    /**
     * Chooses the signature that the {@linkplain Engine#SAVEDMODEL stored} engine runs.
     *
     * @param newSignature its name; {@code serving_default} otherwise
     * @return a loader that differs in that
     */
    public Loader withSignature(String newSignature) {
      return with(loader -> loader.signature = newSignature);
    }

    /**
     * Allows the {@linkplain Engine#SAVEDMODEL stored} engine to run whatever operations the graph
     * has. Otherwise a graph is refused that has any but those that compute: that reads or writes
     * files, talks to other machines, calls other programs' code, prints, or does what is not known
     * here.
     *
     * @param allowed true only for models that are trusted; false otherwise
     * @return a loader that differs in that
     */
    public Loader withUnsafeOperations(boolean allowed) {
      return with(loader -> loader.unsafeOperations = allowed);
    }

    /**
     * Limits how long a prediction may take; otherwise it takes as long as the graph does, which
     * for a stored one may be for ever. One that takes longer fails with a {@link ModelException},
     * and the model goes on to answer others. TensorFlow stops between operations and between the
     * turns of a loop: an operation that is under way, such as the product of large matrices, ends
     * first.
     *
     * @param limit the time for each prediction, and for what a SavedModel runs when it is loaded;
     *     at least 1 ms
     * @return a loader that differs in that
     * @throws KerasException if the limit is less than 1 ms
     */
    public Loader withTimeout(Duration limit) {
      if (limit.toMillis() < 1) {
        throw new KerasException("A time limit is at least 1 ms, found " + limit);
      }
      RunOptions newOptions = options.toBuilder().setTimeoutInMs(limit.toMillis()).build();
      return with(loader -> loader.options = newOptions);
    }

    /**
     * Sets how TensorFlow runs the model, such as the numbers of its threads or what it takes of a
     * GPU's memory.
     *
     * @param newSession TensorFlow's settings of a session; for a network that is rebuilt they are
     *     added to the library's own
     * @return a loader that differs in that
     */
    public Loader withConfigProto(ConfigProto newSession) {
      return with(loader -> loader.session = newSession);
    }

    /**
     * Loads the model.
     *
     * @return the model, the caller's to close
     * @throws KerasException if it cannot be loaded; says what was found and what was expected
     */
    public Model load() {
      TensorFlowStart start = TensorFlowStart.begin();
      try (StoredModel stored = file.get()) {
        return engine == Engine.SAVEDMODEL
            ? storedModel(stored, ASKED_FOR, start)
            : rebuiltModel(stored, start);
      }
    }

    /**
     * Reads the kernel of a {@linkplain io.github.kpconvx.layer.vl3d.KernelLayer layer that has
     * one}, of the model itself or of one nested in it, whatever the engine.
     *
     * @param layer the layer's name
     * @return its kernel
     * @throws KerasException if the model cannot be read, or has none or several such layers of
     *     that name; then those that it has are named
     */
    public StoredKernel kernel(String layer) {
      return kernel(Optional.of(layer));
    }

    /**
     * Reads the kernel of the only layer that has one.
     *
     * @return its kernel
     * @throws KerasException if the model cannot be read, or has none or several such layers; then
     *     those that it has are named
     */
    public StoredKernel kernel() {
      return kernel(Optional.empty());
    }

    private StoredKernel kernel(Optional<String> layer) {
      try (StoredModel stored = file.get();
          Graph graph = new Graph()) {
        Network network = network(stored);
        network.outline(Ops.create(graph));
        return KernelReader.read(stored, network, layer, kernelPoints());
      }
    }

    /**
     * The configuration that the network is rebuilt from: the one that was given, else the file's.
     *
     * @return the configuration, if there is one
     * @throws KerasException if the file cannot be read
     */
    public Optional<KerasObject> config() {
      try (StoredModel stored = file.get()) {
        return config.or(stored::config);
      }
    }

    private KerasObject config(StoredModel stored) {
      return config.or(stored::config).orElseThrow(this::noConfiguration);
    }

    /**
     * Writes the model to another file, replacing nothing and dropping no kernel points.
     *
     * @param target the file or directory to make
     * @return what of the model the target is without
     * @throws KerasException as {@link #convert(Path, WriteOptions)}
     */
    public Conversion convert(Path target) {
      return convert(target, WriteOptions.DEFAULT);
    }

    /**
     * Writes the model to another file, of the kind that the target's name tells: a {@code .keras}
     * archive, a {@code .weights.h5}, or else a SavedModel directory, which keeps the {@linkplain
     * Assets files} that stand in another.
     *
     * @param target the file or directory to make
     * @param options whether it replaces a target that exists, where kernel points go that the
     *     target cannot hold
     * @return what of the model the target is without
     * @throws KerasException if the model cannot be loaded or written; says what was found and what
     *     was expected
     */
    public Conversion convert(Path target, WriteOptions options) {
      try (StoredModel stored = file.get();
          Graph graph = new Graph()) {
        Network network = network(stored);
        network.outline(Ops.create(graph));
        return new ModelConverter(network, config(stored), layers(stored::graph), kernelPoints())
            .convert(stored, config.isEmpty(), target, options);
      }
    }

    private Model rebuiltModel(StoredModel stored, TensorFlowStart start) {
      Supplier<Network> networks;
      Network network;
      NetworkOutline outline;
      try {
        networks = networks(stored);
        network = networks.get();
        start.await();
        outline = NetworkOutline.of(network);
      } catch (KerasException e) {
        if (!mayRunAsStored(stored)) {
          throw e;
        }
        LOG.warn("The stored graph is run, as the network cannot be rebuilt: {}", e.getMessage());
        return storedModel(stored, "the network cannot be rebuilt: " + e.getMessage(), start);
      }
      stored.compiled().ifPresent(this::warnOfLosses);
      Map<String, TType> values =
          WeightLoader.read(network.layers(), network.match(stored.weights()), kernelPoints());
      LoadedGraphs graphs = graphs(networks, outline.inputs(), values);
      try {
        return new Model(
            engine == Engine.AUTO ? Engine.FOLDED : engine,
            engine == Engine.AUTO ? "the network was rebuilt from its configuration" : ASKED_FOR,
            graphs,
            outline.inputs(),
            outline.outputs(),
            outline.stages(),
            options);
      } catch (RuntimeException | Error e) {
        graphs.close();
        throw e;
      }
    }

    private void warnOfLosses(JsonNode compiled) {
      Set<String> losses = CompiledLosses.unknown(compiled);
      if (!losses.isEmpty()) {
        LOG.warn(
            "{} was compiled with the loss {}, which is none of Keras's own and is ignored;"
                + " predictions do not need it",
            path,
            String.join(", ", losses));
      }
    }

    /** What else was given would have no effect on a stored graph. */
    private boolean mayRunAsStored(StoredModel stored) {
      return engine == Engine.AUTO
          && config.isEmpty()
          && kernelPoints.isEmpty()
          && !stored.signatures().isEmpty();
    }

    /** Takes care of the values: they are closed as soon as no graph needs them any more. */
    private LoadedGraphs graphs(
        Supplier<Network> networks, List<TensorSpec> inputs, Map<String, TType> values) {
      Runnable release = () -> values.values().forEach(TType::close);
      try {
        if (engine == Engine.COMPILED) {
          return new GraphPerNeighbourCount(
              inputs,
              shapes -> graph(networks.get(), Formulation.COMPILED, shapes, values),
              () -> graph(networks.get(), Formulation.FOLDED, Map.of(), values),
              release);
        }
        Formulation form = engine == Engine.PLAIN ? Formulation.PLAIN : Formulation.FOLDED;
        LoadedGraph graph = graph(networks.get(), form, Map.of(), values);
        release.run();
        return LoadedGraphs.of(graph);
      } catch (RuntimeException | Error e) {
        release.run();
        throw e;
      }
    }

    private LoadedGraph graph(
        Network network,
        Formulation formulation,
        Map<String, Shape> shapes,
        Map<String, TType> values) {
      Graph graph = new Graph();
      try {
        network.freeze(values);
        Network.Built built =
            network.build(
                Ops.create(graph),
                CallContext.of(Mode.INFERENCE).withFormulation(formulation),
                shapes);
        Map<String, Output<?>> feeds = new LinkedHashMap<>();
        Map<String, Output<?>> fetches = new LinkedHashMap<>();
        built.stages().forEach((name, value) -> fetches.put(name, value.asOutput()));
        built.inputs().forEach((name, value) -> feeds.put(name, value.asOutput()));
        built.outputs().forEach((name, value) -> fetches.put(name, value.asOutput()));
        Session running = InferenceSession.of(graph, session);
        return new LoadedGraph(
            running,
            feeds,
            fetches,
            () -> {
              running.close();
              graph.close();
            });
      } catch (RuntimeException | Error e) {
        graph.close();
        throw e;
      }
    }

    Network network(StoredModel stored) {
      return networks(stored).get();
    }

    /** Makes the network again and again, without the file. */
    private Supplier<Network> networks(StoredModel stored) {
      KerasObject object = config(stored);
      LayerRegistry layers = layers(stored::graph);
      List<Shape> shapes = stored.weights().weights().stream().map(StoredWeight::shape).toList();
      return () -> {
        try {
          return Network.of(object, shapes, layers);
        } catch (UnsupportedModelException e) {
          throw e.told(path + ": ");
        }
      };
    }

    private KerasException noConfiguration() {
      return new KerasException(
          path
              + " holds weights but no model configuration, which the network is rebuilt from; give one"
              + " (--config, Loader.withConfig: the text of model.to_json() or a serialized layer), put it into"
              + " assets.extra/keras_config.json of the SavedModel"
              + (Files.isDirectory(path)
                  ? ", or run the stored graph with the engine savedmodel"
                  : ""));
    }

    private Model storedModel(StoredModel stored, String reason, TensorFlowStart start) {
      if (config.isPresent()) {
        throw new KerasException(
            "The engine savedmodel runs the stored graph and takes no configuration");
      }
      return new StoredGraph(path, signature, unsafeOperations, session, options)
          .load(stored, reason, start);
    }
  }
}
