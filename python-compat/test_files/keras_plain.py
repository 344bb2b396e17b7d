"""Writes plain/, a SavedModel of tf.saved_model.save, among the Java test resources: python keras_plain.py (TensorFlow 2.18.0)."""

import os
import pathlib

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import tensorflow as tf  # noqa: E402


class Plain(tf.Module):
    def __init__(self):
        super().__init__()
        self.v = tf.Variable([1.0, 2.0], name="v")

    @tf.function(input_signature=[tf.TensorSpec((None, 2), tf.float32, name="x")])
    def __call__(self, x):
        return x * self.v


def main():
    model = Plain()
    directory = pathlib.Path(__file__).parents[2] / "src/test/resources/io/github/kpconvx/keras/plain"
    tf.saved_model.save(model, str(directory), signatures={"serving_default": model.__call__})


if __name__ == "__main__":
    main()
