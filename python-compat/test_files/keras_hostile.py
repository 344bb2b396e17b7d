"""Writes HDF5 files that a careful reader refuses, among the test resources of the Java package
keras: python keras_hostile.py (h5py, NumPy).

Each holds what a Dense layer of 4 inputs and 2 units, named head, is saved as, but for one fault that its name tells:
those that end in .weights.h5 in layers/dense/vars, the legacy-….h5 in the layout of Keras 2.
"""

import pathlib

import h5py
import numpy as np

HERE = pathlib.Path(__file__).parents[2] / "src/test/resources/io/github/kpconvx/keras"
KERNEL = np.arange(8, dtype="float32").reshape(4, 2)
BIAS = np.arange(2, dtype="float32")


def write(name, kernel, bias=lambda group: group.create_dataset("1", data=BIAS), libver="earliest"):
    with h5py.File(HERE / f"{name}.weights.h5", "w", libver=libver, track_order=False) as file:
        group = file.create_group("layers/dense/vars")
        group.attrs["name"] = "head"
        kernel(group)
        bias(group)
        return file


def virtual(group):
    layout = h5py.VirtualLayout(shape=(4, 2), dtype="float32")
    layout[:] = h5py.VirtualSource("elsewhere.h5", "kernel", shape=(4, 2))
    group.create_virtual_dataset("0", layout)


def loop(group):
    group.create_dataset("0", data=KERNEL)
    group["again"] = group.file["layers"]


def legacy_group(parent, layer="head", weights=(("kernel:0", KERNEL), ("bias:0", BIAS)), listed=None):
    """A layer's group; `listed` are the names that it lists, by default those of `weights`."""
    group = parent.create_group(layer)
    for name, value in weights:
        group.create_dataset(f"{layer}/{name}", data=value)
    listed = [name for name, _ in weights] if listed is None else listed
    group.attrs["weight_names"] = [f"{layer}/{name}" for name in listed]
    return group


def write_legacy(name, fill, layers=("head",)):
    """A file that `fill` fills, with the names of its layers; `fill` gets the file."""
    with h5py.File(HERE / f"legacy-{name}.h5", "w") as file:
        file.attrs["keras_version"] = "2.15.0"
        file.attrs["backend"] = "tensorflow"
        file.attrs["layer_names"] = list(layers)
        fill(file)


def legacy_whole(file):
    """A whole model; what its optimizer left is nobody's business, not even where it is hostile."""
    del file.attrs["layer_names"]
    file.attrs["model_config"] = "{not JSON"
    group = file.create_group("model_weights")
    group.attrs["layer_names"] = ["input", "head"]
    group.create_group("input").attrs["weight_names"] = np.array([])
    legacy_group(group)
    file.create_group("optimizer_weights")["elsewhere"] = h5py.ExternalLink("elsewhere.h5", "/m")


def legacy_pieces(file):
    del file.attrs["layer_names"]
    file.attrs["layer_names0"], file.attrs["layer_names1"] = ["input"], ["head"]
    file.create_group("input").attrs["weight_names"] = np.array([])
    group = legacy_group(file, listed=[])
    del group.attrs["weight_names"]
    group.attrs["weight_names0"], group.attrs["weight_names1"] = ["head/kernel:0"], ["head/bias:0"]


def legacy_unlisted(file):
    legacy_group(file).create_dataset("more", data=BIAS)


def legacy_unlisted_layer(file):
    legacy_group(file)
    legacy_group(file, "tail")


def legacy_no_names(file):
    del legacy_group(file).attrs["weight_names"]


def legacy_numbers(file):
    legacy_group(file).attrs["weight_names"] = [1.0, 2.0]


def legacy_link(file):
    legacy_group(file)["head/kernel:1"] = h5py.ExternalLink("elsewhere.h5", "/kernel")


def legacy_top_level(file):
    legacy_group(file)
    group = file.create_group("top_level_model_weights")
    group.create_dataset("scale:0", data=BIAS)
    group.attrs["weight_names"] = ["scale:0"]


def legacy_huge(file):
    group = legacy_group(file, weights=[("bias:0", BIAS)], listed=["kernel:0", "bias:0"])
    group.create_dataset("head/kernel:0", shape=(1 << 40, 2), dtype="f4")


def write_all_legacy():
    kernel, bias = ("kernel:0", KERNEL), ("bias:0", BIAS)
    write_legacy("sound", legacy_group)
    write_legacy("whole", legacy_whole)
    write_legacy("pieces", legacy_pieces)
    write_legacy("other-name", lambda f: legacy_group(f, "dense_7"), ["dense_7"])
    write_legacy("other-language", lambda f: legacy_group(f, weights=[("matrix:0", KERNEL), ("offset:0", BIAS)]))
    write_legacy("unlisted", legacy_unlisted)
    write_legacy("unlisted-layer", legacy_unlisted_layer)
    write_legacy("no-names", legacy_no_names)
    write_legacy("numbers", legacy_numbers)
    write_legacy("no-group", legacy_group, ["head", "tail"])
    write_legacy("no-dataset", lambda f: legacy_group(f, listed=["kernel:0", "bias:0", "more:0"]))
    write_legacy("layer-twice", legacy_group, ["head", "head"])
    write_legacy("weight-twice", lambda f: legacy_group(f, listed=["kernel:0", "bias:0", "bias:0"]))
    write_legacy("order", lambda f: legacy_group(f, weights=[bias, kernel]))
    write_legacy("misnamed", lambda f: legacy_group(f, weights=[("bias:0", KERNEL), ("kernel:0", BIAS)]))
    write_legacy("missing", lambda f: legacy_group(f, weights=[kernel]))
    write_legacy("surplus", lambda f: legacy_group(f, weights=[kernel, bias, ("more:0", BIAS)]))
    write_legacy("surplus-layer", lambda f: (legacy_group(f), legacy_group(f, "tail")), ["head", "tail"])
    write_legacy("layers", lambda f: (legacy_group(f), legacy_group(f, "stem")), ["head", "stem"])
    write_legacy("wrong-shape", lambda f: legacy_group(f, weights=[("kernel:0", KERNEL.T), bias]))
    write_legacy("float16", lambda f: legacy_group(f, weights=[("kernel:0", KERNEL.astype("float16")), bias]))
    write_legacy("link", legacy_link)
    write_legacy("huge", legacy_huge)
    write_legacy("top-level", legacy_top_level)


def main():
    write_all_legacy()
    write("sound", lambda g: g.create_dataset("0", data=KERNEL))
    write("sound-v3", lambda g: g.create_dataset("0", data=KERNEL), libver="latest")
    write("sound-gzip", lambda g: g.create_dataset("0", data=KERNEL, compression="gzip", shuffle=True, chunks=(3, 2)))
    write("sound-bigendian", lambda g: g.create_dataset("0", data=KERNEL.astype(">f4")))
    write("external-link", lambda g: g.__setitem__("0", h5py.ExternalLink("elsewhere.h5", "/kernel")))
    write("soft-link", lambda g: g.__setitem__("0", h5py.SoftLink("/layers/dense/vars/1")))
    write("hard-link", lambda g: g.create_dataset("0", data=KERNEL), bias=lambda g: g.__setitem__("1", g["0"]))
    write("loop", loop)
    write("virtual", virtual)
    write("virtual-v3", virtual, libver="latest")
    write("external-storage",
          lambda g: g.create_dataset("0", shape=(4, 2), dtype="f4", external=[("elsewhere.bin", 0, 32)]))
    write("huge-contiguous", lambda g: g.create_dataset("0", shape=(1 << 40, 2), dtype="f4"))
    write("huge-chunked", lambda g: g.create_dataset("0", shape=(1 << 40, 2), dtype="f4", chunks=(1024, 2)))
    write("huge-gzip", lambda g: g.create_dataset("0", shape=(1 << 30, 2), dtype="f4", chunks=(1 << 20, 2),
                                                  compression="gzip"))
    write("huge-chunk", lambda g: g.create_dataset("0", data=KERNEL, maxshape=(None, 2), chunks=(1 << 24, 2),
                                                   compression="gzip"))
    write("unwritten", lambda g: g.create_dataset("0", shape=(4, 2), dtype="f4"))
    write("wrong-shape", lambda g: g.create_dataset("0", data=KERNEL.T))
    write("wrong-rank", lambda g: g.create_dataset("0", data=KERNEL.ravel()))
    write("scalar", lambda g: g.create_dataset("0", data=np.float32(1)))
    write("null", lambda g: g.create_dataset("0", data=h5py.Empty("f4")))
    write("float16", lambda g: g.create_dataset("0", data=KERNEL.astype("float16")))
    write("float64", lambda g: g.create_dataset("0", data=KERNEL.astype("float64")))
    write("int32", lambda g: g.create_dataset("0", data=KERNEL.astype("int32")))
    write("text", lambda g: g.create_dataset("0", data=np.full((4, 2), b"x")))
    write("group", lambda g: g.create_group("0").create_dataset("0", data=KERNEL))
    write("missing", lambda g: g.create_dataset("0", data=KERNEL), bias=lambda g: None)
    write("gap", lambda g: g.create_dataset("0", data=KERNEL), bias=lambda g: g.create_dataset("2", data=BIAS))
    write("surplus", lambda g: g.create_dataset("0", data=KERNEL),
          bias=lambda g: (g.create_dataset("1", data=BIAS), g.create_dataset("2", data=BIAS)))
    write("surplus-layer", lambda g: g.create_dataset("0", data=KERNEL),
          bias=lambda g: (g.create_dataset("1", data=BIAS),
                          g.file.create_group("layers/dense_1/vars").create_dataset("0", data=BIAS)))
    write("named", lambda g: g.create_dataset("kernel", data=KERNEL))
    with h5py.File(HERE / "legacy.weights.h5", "w") as file:
        file.attrs["layer_names"] = ["dense"]
        file.attrs["keras_version"] = "2.15.0"
        file.create_dataset("dense/dense/kernel:0", data=KERNEL)
    with h5py.File(HERE / "top.weights.h5", "w") as file:
        file.create_dataset("vars/0", data=KERNEL)
        file.create_dataset("vars/1", data=BIAS)


if __name__ == "__main__":
    main()
