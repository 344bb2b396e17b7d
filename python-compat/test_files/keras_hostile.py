"""Writes HDF5 files that a careful reader refuses, among the test resources of the Java package
keras: python keras_hostile.py (h5py, NumPy).

Each holds what a Dense layer of 4 inputs and 2 units is saved as, in layers/dense/vars, but for one fault that its name
tells.
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


def main():
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
