package io.github.kpconvx.layer;

import com.google.protobuf.InvalidProtocolBufferException;
import org.tensorflow.internal.c_api.TF_Buffer;
import org.tensorflow.internal.c_api.TF_Status;
import org.tensorflow.internal.c_api.global.tensorflow;
import org.tensorflow.proto.KernelDef;
import org.tensorflow.proto.KernelList;

/** Whether this TensorFlow was built for GPUs: then operations may run on one. */
final class GpuBuild {
  private static final String GPU = "GPU";

  private GpuBuild() {}

  private static final class Found {
    private static final boolean IS = hasKernel("MatMul");
  }

  static boolean is() {
    return Found.IS;
  }

  private static boolean hasKernel(String operation) {
    try (TF_Status status = TF_Status.newStatus()) {
      TF_Buffer kernels = tensorflow.TF_GetRegisteredKernelsForOp(operation, status);
      try {
        status.throwExceptionIfNotOK();
        return KernelList.parseFrom(kernels.copyData()).getKernelList().stream()
            .map(KernelDef::getDeviceType)
            .anyMatch(GPU::equals);
      } finally {
        tensorflow.TF_DeleteBuffer(kernels);
      }
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalStateException("TensorFlow's list of kernels cannot be read", e);
    }
  }
}
