/** HDF5 weight files of Keras 3 and Keras 2, in and out. */
package io.github.kpconvx.keras.hdf5;
