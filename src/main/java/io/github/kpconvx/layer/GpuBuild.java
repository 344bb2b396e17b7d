package io.github.kpconvx.layer;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.UnknownFieldSet;
import java.util.List;
import org.tensorflow.internal.c_api.TF_Buffer;
import org.tensorflow.internal.c_api.TF_Status;
import org.tensorflow.internal.c_api.global.tensorflow;
import org.tensorflow.proto.KernelDef;
import org.tensorflow.proto.KernelList;

/** Whether this TensorFlow was built for GPUs: then operations may run on one. */
final class GpuBuild {
  private static final ByteString GPU = ByteString.copyFromUtf8("GPU");

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
        // By its fields: loading the generated classes would take longer than all the rest.
        for (ByteString kernel : fields(kernels.copyData(), KernelList.KERNEL_FIELD_NUMBER)) {
          if (fields(kernel.toByteArray(), KernelDef.DEVICE_TYPE_FIELD_NUMBER).contains(GPU)) {
            return true;
          }
        }
        return false;
      } finally {
        tensorflow.TF_DeleteBuffer(kernels);
      }
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalStateException("TensorFlow's list of kernels cannot be read", e);
    }
  }

  private static List<ByteString> fields(byte[] message, int number)
      throws InvalidProtocolBufferException {
    return UnknownFieldSet.parseFrom(message).getField(number).getLengthDelimitedList();
  }
}
