"""Keras's own layers and operations, each in small models that Java is compared with."""
