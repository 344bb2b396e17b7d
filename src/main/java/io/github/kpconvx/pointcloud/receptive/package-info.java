/**
 * Receptive fields: how a point cloud becomes the inputs of a network, field by field, and how the
 * network's answers come back to its points.
 *
 * <p>A {@link io.github.kpconvx.pointcloud.receptive.Partition} cuts the cloud into fields, a
 * {@link io.github.kpconvx.pointcloud.receptive.Hierarchy} makes arrays of each, {@link
 * io.github.kpconvx.pointcloud.receptive.Scores} collects the answers.
 */
package io.github.kpconvx.pointcloud.receptive;
