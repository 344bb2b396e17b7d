"""VL3D's own layers and the networks of them, as live Keras of any version can open, train and write.

Written from a description of what they compute. The classes carry the module and the name that VL3D's files say, none
is registered, and some of their weights are bare TensorFlow variables, as there: Keras 2 stores these as weights;
Keras 3's `.keras` and `.weights.h5` lack them, only its SavedModels have them.
"""
