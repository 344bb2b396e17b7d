"""Times one KPConvX layer in Keras, PyTorch, ONNX Runtime and the Java port, in turn, on the same inputs."""
