/** Pictures of point clouds. */
package io.github.kpconvx.pointcloud.picture;
