/** Point clouds: LAS and LAZ in and out, nearest neighbours, furthest points. */
package io.github.kpconvx.pointcloud;
