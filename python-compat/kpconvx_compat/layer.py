"""KPConvX as a Keras layer on TensorFlow.

Thomas et al., "KPConvX: Modernizing Kernel Point Convolution with Kernel Attention" (arXiv:2405.13194).
"""

import copy
import inspect

import tensorflow as tf

from kpconvx_compat.backend import keras
from kpconvx_compat.initializer import FibonacciShellInitializer, checked_shells

KERAS_KEYS = {"name", "trainable", "dtype", "activity_regularizer", "autocast"}
BUILT_FLAGS = [f"built_{x}" for x in ("Q", "W", "Phi", "phi", "Psi", "psi", "Atilde", "btilde", "Ahat", "bhat")]
SMALLEST_SQUARE = 1e-36  # a normal float32 whose root, 1e-18, vanishes beside any distance that matters


class KPConvXBase(keras.layers.Layer):
    """What `KPConvXLayer` and the layer of `kpconvx_compat.original` share: all but how they hold Q.

    Inputs [X, F, N]: coordinates (B, R, 3) and features (B, R, D), float32; N (B, R, κ), int32 or int64, the indices
    in [0, R) of each point's neighbours. Output (B, R, D), float32. B, R and κ may be unknown.

    blocks: consecutive blocks, >= 1.
    drop_path: probability in [0, 1] of dropping a block's residual branch, per batch element, while training.
    sigma: influence distance of a kernel point, > 0, in the unit of X.
    shell_radii, shell_points: radius (>= 0, unit of X) of each shell of kernel points and how many it holds (>= 1,
        exactly one where the radius is 0); their sum is m_q.
    DH: hidden channels of the inverted bottleneck, >= 1.
    groups: how many consecutive channels share one modulation value; divides D.
    deformable: whether the kernel points Q are trainable.
    initializer, regularizer, constraint: for each weight tensor W … bhat; an object, a name or a serialized object.
        No initializer means glorot_uniform.
    bn_momentum: momentum of the batch normalizations that the layer makes itself.
    bn_phi, bn_htilde, bn_hhat: None, or for each block a BatchNormalization (as a layer or serialized).
    activation: a layer without weights, a function, a name or a serialized one of these; default LeakyReLU(), whose
        slope is 0.3.
    built_Q … built_bhat: carried through to the configuration.

    Raises ValueError for an argument out of these bounds, TypeError for one of the wrong kind.
    """

    def __init__(
        self,
        blocks=1,
        drop_path=0,
        sigma=1.0,
        shell_radii=(0, 0.5, 1.0),
        shell_points=(1, 7, 13),
        DH=384,
        groups=8,
        deformable=False,
        initializer=None,
        regularizer=None,
        constraint=None,
        bn_momentum=0.9,
        bn_phi=None,
        bn_htilde=None,
        bn_hhat=None,
        activation=None,
        **kwargs,
    ):
        flags = {key: bool(kwargs.pop(key, False)) for key in BUILT_FLAGS}
        unknown = sorted(kwargs.keys() - KERAS_KEYS)
        if unknown:
            own = [*inspect.signature(KPConvXBase.__init__).parameters][1:-1]
            known = ", ".join([*own, *BUILT_FLAGS, *sorted(KERAS_KEYS)])
            raise ValueError(f"KPConvXLayer has no argument {', '.join(unknown)}; known are {known}")
        super().__init__(**kwargs)
        if self.compute_dtype not in ("float32", "float64"):
            raise ValueError(f"the dtype of KPConvXLayer must be float32 or float64; found {self.dtype_policy.name}")
        self.blocks = _count("blocks", blocks)
        self.drop_path = _number("drop_path", drop_path, lambda p: 0 <= p <= 1, "in [0, 1]")
        self.sigma = _number("sigma", sigma, lambda s: 0 < s < float("inf"), "finite and > 0")
        self.DH = _count("DH", DH)
        self.groups = _count("groups", groups)
        self.deformable = bool(deformable)
        self.bn_momentum = _number("bn_momentum", bn_momentum, lambda m: 0 <= m <= 1, "in [0, 1]")
        checked_shells(shell_radii, shell_points, ("shell_radii", "shell_points"))
        self.shell_radii = [_plain(radius) for radius in shell_radii]
        self.shell_points = [_plain(points) for points in shell_points]
        self.Q_initializer = FibonacciShellInitializer(
            len(self.shell_radii), self.shell_radii, self.shell_points, self.deformable
        )
        self.mq = sum(self.shell_points)
        self.initializer = keras.initializers.get(initializer)
        self.regularizer = keras.regularizers.get(regularizer)
        self.constraint = keras.constraints.get(constraint)
        self.bn_phi = self._normalizations("bn_phi", bn_phi)
        self.bn_htilde = self._normalizations("bn_htilde", bn_htilde)
        self.bn_hhat = self._normalizations("bn_hhat", bn_hhat)
        self.activation = self._activation(activation)
        for key, flag in flags.items():
            setattr(self, key, flag)
        if not self.trainable:  # Keras hands on a later change of `trainable`, but not this first value
            for layer in (*self.bn_phi, *self.bn_htilde, *self.bn_hhat):
                layer.trainable = False
        # A configuration gives back names and serialized objects exactly as they were given.
        self._written = {
            "initializer": _written(initializer, keras.initializers.serialize),
            "regularizer": _written(regularizer, keras.regularizers.serialize),
            "constraint": _written(constraint, keras.constraints.serialize),
            "activation": _written(self.activation if activation is None else activation, _serialize_activation),
            "bn_phi": _written(bn_phi, keras.layers.serialize),
            "bn_htilde": _written(bn_htilde, keras.layers.serialize),
            "bn_hhat": _written(bn_hhat, keras.layers.serialize),
        }

    def _normalizations(self, key, given):
        if given is None:
            return [
                keras.layers.BatchNormalization(momentum=self.bn_momentum, dtype=self.dtype_policy)
                for _ in range(self.blocks)
            ]
        if not isinstance(given, (list, tuple)) or len(given) != self.blocks:
            raise ValueError(f"{key} must be None or a list of blocks={self.blocks} BatchNormalization; found {given!r}")
        return [self._normalization(f"{key}[{i}]", item) for i, item in enumerate(given)]

    def _normalization(self, name, given):
        for option in ("renorm", "synchronized"):
            if (given.get("config", {}) if isinstance(given, dict) else vars(given)).get(option):
                raise ValueError(f"{option} of {name} must be False, for plain batch normalization; found True")
        layer = self._made(given) if isinstance(given, dict) else given
        if not isinstance(layer, keras.layers.BatchNormalization):
            raise TypeError(f"{name} must be a BatchNormalization layer; found {layer!r}")
        if tf.nest.flatten(layer.axis) not in ([-1], [2]):
            raise ValueError(f"axis of {name} must be -1 or 2, the channels; found {layer.axis}")
        return self._of_same_dtype(name, layer)

    def _activation(self, given):
        if given is None:
            return keras.layers.LeakyReLU(dtype=self.dtype_policy)
        if isinstance(given, str):
            try:
                given = keras.activations.get(given)
            except ValueError:
                layer = getattr(keras.layers, given, None)
                if layer is None:
                    raise ValueError(f"activation must name a Keras function or layer; found {given!r}") from None
                given = layer(dtype=self.dtype_policy)
        elif isinstance(given, dict):
            given = self._made(given)
        if not callable(given):
            raise TypeError(f"activation must be a layer, a function or the name of one; found {given!r}")
        if isinstance(given, keras.layers.PReLU):
            raise ValueError(
                "activation must be without weights, as channels of different number share it; found PReLU"
            )
        return self._of_same_dtype("activation", given) if isinstance(given, keras.layers.Layer) else given

    def _made(self, serialized):
        """The layer or function of a Keras 3 object, or of a Keras 2 object, which names no module.

        A Keras 2 object may leave out its dtype, then the layer's, and write one axis as a list.
        """
        if not hasattr(keras.layers, serialized.get("class_name", "")):
            return keras.saving.deserialize_keras_object(serialized)
        if "module" not in serialized:
            config = {"dtype": self.dtype_policy.name, **serialized["config"]}
            if serialized["class_name"] == "BatchNormalization" and isinstance(config.get("axis"), list):
                (config["axis"],) = config["axis"]
            serialized = {"registered_name": None, **serialized, "module": "keras.layers", "config": config}
        return keras.layers.deserialize(serialized)

    def _of_same_dtype(self, name, layer):
        if layer.compute_dtype != self.compute_dtype:
            raise ValueError(f"{name} must be {self.compute_dtype} as its KPConvXLayer is; found {layer.compute_dtype}")
        return layer

    def build(self, input_shape):
        """input_shape: [(B, R, 3), (B, R, D), (B, R, κ)], where only D must be known."""
        D = self._checked_feature_dim(input_shape)
        m, a = self.mq, self.mq * D // self.groups
        self._build_kernel_points()
        self.W = self._tensor("W", (m, D))
        self.Phi = self._tensor("Phi", (D, D))
        self.phi = self._tensor("phi", (D,))
        self.Psi = self._tensor("Psi", (D, a))
        self.psi = self._tensor("psi", (a,))
        self.Atilde = self._tensor("Atilde", (D, self.DH))
        self.btilde = self._tensor("btilde", (self.DH,))
        self.Ahat = self._tensor("Ahat", (self.DH, D))
        self.bhat = self._tensor("bhat", (D,))
        for layers, channels in ((self.bn_phi, D), (self.bn_htilde, self.DH), (self.bn_hhat, D)):
            for layer in layers:
                if not layer.built:
                    with tf.name_scope(layer.name):  # Keras 2 names weights by it, and an HDF5 file wants names apart
                        layer.build((None, None, channels))
        self.built = True  # or Keras 2 builds a layer again that was built by hand

    def _build_kernel_points(self):
        """Sets self.Q, (m_q, 3), trainable iff deformable."""
        raise NotImplementedError

    def _tensor(self, name, shape):
        # One initializer object would give tensors of the same shape the same values: each gets its own copy.
        initializer = self.initializer
        if isinstance(initializer, keras.initializers.Initializer):
            initializer = initializer.__class__.from_config(initializer.get_config())
        return self.add_weight(
            name=name,
            shape=(self.blocks, *shape),
            initializer=initializer or "glorot_uniform",
            regularizer=self.regularizer,
            constraint=self.constraint,
        )

    def _checked_feature_dim(self, input_shape):
        if len(input_shape) != 3 or any(len(shape) != 3 for shape in input_shape):
            raise ValueError(f"inputs must be X (B, R, 3), F (B, R, D) and N (B, R, κ); found shapes {input_shape}")
        (*_, axes), (*_, D), _ = input_shape
        if axes not in (None, 3):
            raise ValueError(f"the last dimension of X must be 3; found the shape {input_shape[0]}")
        if D is None or D % self.groups:
            raise ValueError(
                f"the last dimension of F must be known and a multiple of groups={self.groups}; "
                f"found the shape {input_shape[1]}"
            )
        return D

    def compute_output_shape(self, input_shape):
        """The shape of F."""
        return tuple(input_shape[1])

    def call(self, inputs, training=False, mask=None):
        """[X, F, N] → (B, R, D). `mask` is ignored. Raises InvalidArgumentError if an index of N is outside [0, R)."""
        return self._compute(inputs, training)[f"block_{self.blocks - 1}/F"]

    def stages(self, inputs, training=False):
        """What a call on [X, F, N] computes on its way, as a dict of tensors.

        `k` (B, R, κ) int32, the nearest kernel point of each neighbour; `h` (B, R, κ), its correlation; and for
        each block t `block_t/A` (B, R, m_q, D/G), `block_t/f` (B, R, D), `block_t/u` (B, R, DH), `block_t/v`
        (B, R, D) and `block_t/F` (B, R, D). The last `F` is what `call` returns. With `training`, as there, batch
        normalizations use the batch's statistics and move their averages, and `F` gets what drop_path left of `v`.
        """
        return self._compute([tf.convert_to_tensor(tensor) for tensor in inputs], training)

    def _compute(self, inputs, training):
        x, f, n = inputs
        n = _checked_indices(n, tf.shape(x)[1])
        k, h = self._correlations(x, n)
        found = {"k": k, "h": h}
        weights = (self.W, self.Phi, self.phi, self.Psi, self.psi, self.Atilde, self.btilde, self.Ahat, self.bhat)
        unstacked = [tf.unstack(tf.convert_to_tensor(tensor)) for tensor in weights]
        for t, own in enumerate(zip(*unstacked, self.bn_phi, self.bn_htilde, self.bn_hhat)):
            block = self._block(own, f, n, k, h, training)
            found.update({f"block_{t}/{key}": tensor for key, tensor in block.items()})
            f = block["F"]
        return found

    def _correlations(self, x, n):
        """k and h (B, R, κ): they depend on X, N and Q alone, so all blocks share them."""
        q = tf.convert_to_tensor(self.Q)
        y = tf.gather(x, n, batch_dims=1) - x[:, :, None, :]
        # Summed axis by axis, the differences to all kernel points never fill a (B, R, κ, m_q, 3) tensor.
        squares = tf.add_n([tf.square(y[..., axis, None] - q[:, axis]) for axis in range(3)])
        k = tf.argmin(squares, axis=-1, output_type=tf.int32)
        square = tf.reduce_sum(tf.square(y - tf.gather(q, k)), axis=-1)
        # The root has no derivative at 0; below the clamp the gradient is 0.
        distance = tf.sqrt(tf.maximum(square, SMALLEST_SQUARE))
        return k, tf.maximum(1.0 - distance / self.sigma, 0.0)

    def _block(self, own, f, n, k, h, training):
        """A, f, u, v and F of a block, from its own weights and normalizations."""
        W, Phi, phi, Psi, psi, Atilde, btilde, Ahat, bhat, bn_phi, bn_htilde, bn_hhat = own
        grouped = [f.shape[-1] // self.groups, self.groups]
        z = self.activation(bn_phi(f @ Phi + phi, training=training))
        a = tf.sigmoid(z @ Psi + psi)
        a = tf.reshape(a, tf.concat([tf.shape(f)[:2], [self.mq, grouped[0]]], 0))
        products = tf.gather(W, k) * tf.gather(f, n, batch_dims=1)
        products = tf.reshape(products, tf.concat([tf.shape(k), grouped], 0))
        modulations = tf.gather(a, k, batch_dims=2) * h[..., None]
        convolved = tf.reshape(tf.reduce_sum(modulations[..., None] * products, axis=2), tf.shape(f))
        u = self.activation(bn_htilde(convolved @ Atilde + btilde, training=training))
        v = self.activation(bn_hhat(u @ Ahat + bhat, training=training))
        return {"A": a, "f": convolved, "u": u, "v": v, "F": f + (self._drop(v) if training else v)}

    def _drop(self, v):
        """Drops each batch element's v with probability drop_path, else divides it by 1 − drop_path."""
        if self.drop_path == 0:
            return v
        if self.drop_path == 1:
            return tf.zeros_like(v)
        keep = 1.0 - self.drop_path
        drawn = tf.random.uniform([tf.shape(v)[0], 1, 1], dtype=v.dtype)
        return v * tf.floor(drawn + keep) / keep

    def export_representation(self, dir_path, out_prefix=None, Wpast=None):
        """Writes the state of the kernel, its structure Q and its weights W, into a directory, which is made if needed.

        `Q.csv` and for each block `W<t>.csv`, numbers separated by spaces; as pictures `Qinit.svg`, the kernel points
        with their spheres of influence, and `Winit_mat.svg` and `Winit_hist.svg`, each block's weights as a matrix in
        colours and as a histogram. With Wpast, the weights (blocks, m_q, D) of an earlier time, the names are
        `Qend.svg`, `Wend_mat.svg` and `Wend_hist.svg`, and `Wdiff_mat.svg` and `Wdiff_hist.svg` show W − Wpast.

        A `*` at the start of dir_path stands for out_prefix without its last character; if dir_path is None, nothing
        is done. Raises ValueError if the layer is not built, out_prefix is missing or Wpast has another shape.
        """
        from kpconvx_compat import representation  # here, as nothing else needs Matplotlib

        if not self.built:
            raise ValueError(f"{self.name} has no kernel before it is built")
        representation.export(dir_path, out_prefix, self, self.Q, self.W, Wpast)

    def get_config(self):
        """The constructor's arguments, next to Keras's own keys."""
        return {
            **super().get_config(),
            "blocks": self.blocks,
            "drop_path": self.drop_path,
            "sigma": self.sigma,
            "shell_radii": list(self.shell_radii),
            "shell_points": list(self.shell_points),
            "DH": self.DH,
            "groups": self.groups,
            "deformable": self.deformable,
            "bn_momentum": self.bn_momentum,
            **copy.deepcopy(self._written),
            **{key: getattr(self, key) for key in BUILT_FLAGS},
        }


@keras.utils.register_keras_serializable(package="kpconvx")
class KPConvXLayer(KPConvXBase):
    """The KPConvX layer, with Q a weight like the others. Its arguments are told at `KPConvXBase`."""

    def _build_kernel_points(self):
        self.Q = self.add_weight(
            name="Q", shape=(self.mq, 3), initializer=self.Q_initializer, trainable=self.deformable
        )


def _count(key, value):
    if isinstance(value, bool) or not hasattr(value, "__index__") or value < 1:
        raise ValueError(f"{key} must be an integer >= 1; found {value!r}")
    return int(value)


def _number(key, value, fits, bounds):
    if isinstance(value, (bool, str)) or not hasattr(value, "__float__") or not fits(value):
        raise ValueError(f"{key} must be a number {bounds}; found {value!r}")
    return _plain(value)


def _plain(value):
    """A NumPy scalar as Python's own, so that JSON can hold it."""
    return value.item() if hasattr(value, "item") else value


def _serialize_activation(activation):
    if isinstance(activation, keras.layers.Layer):
        return keras.layers.serialize(activation)
    return keras.activations.serialize(activation)


def _written(given, serialize):
    if isinstance(given, (list, tuple)):
        return [_written(item, serialize) for item in given]
    if given is None or isinstance(given, (str, dict)):
        return copy.deepcopy(given)
    return serialize(given)


def _checked_indices(n, points):
    """n, after the check that all of it is in [0, points); a GPU's gather would give zeros instead of an error."""
    if n.dtype not in (tf.int32, tf.int64):
        raise TypeError(f"N must be int32 or int64; found {n.dtype.name}")
    outside = tf.where((n < 0) | (n >= tf.cast(points, n.dtype)))[:1]
    check = tf.debugging.Assert(
        tf.equal(tf.size(outside), 0),
        ["an index of N is outside [0, R): [b, i, j] =", outside, "holds", tf.gather_nd(n, outside), "and R =", points],
    )
    with tf.control_dependencies([check] if check is not None else []):
        return tf.identity(n)
