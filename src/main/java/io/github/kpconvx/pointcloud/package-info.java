/**
 * Point clouds: LAS and LAZ in and out, nearest neighbours, the receptive fields a network is fed
 * with, and pictures of the result.
 */
package io.github.kpconvx.pointcloud;
