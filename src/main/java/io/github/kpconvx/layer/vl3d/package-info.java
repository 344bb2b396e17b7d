/** VL3D's layers, KPConvXLayer first among them, and how they are computed for inference. */
package io.github.kpconvx.layer.vl3d;
