package io.github.kpconvx.layer.tiling;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.UnknownFieldSet;
import java.util.List;
import java.util.Optional;
import org.tensorflow.internal.c_api.TF_Buffer;
import org.tensorflow.internal.c_api.TF_DeviceList;
import org.tensorflow.internal.c_api.TF_Graph;
import org.tensorflow.internal.c_api.TF_Session;
import org.tensorflow.internal.c_api.TF_SessionOptions;
import org.tensorflow.internal.c_api.TF_Status;
import org.tensorflow.internal.c_api.global.tensorflow;
import org.tensorflow.proto.KernelDef;
import org.tensorflow.proto.KernelList;

/**
 * Whether TensorFlow has a GPU to run operations on: its library was built for GPUs and found one.
 * Safe for many threads.
 */
public final class Gpu {
  private static final String TYPE = "GPU";
  private static final String PRECISION = "NVIDIA_TF32_OVERRIDE";

  private Gpu() {}

  private static final class Found {
    private static final boolean IS = hasKernel("MatMul", TYPE) && hasDevice(TYPE);
  }

  /**
   * Whether there is one. The first call may wait until TensorFlow has set it up, as the first
   * session would.
   *
   * @return true if so
   */
  public static boolean isPresent() {
    return Found.IS;
  }

  /**
   * What to know where answers differ by more than rounding in float32.
   *
   * @return a sentence, if there is a GPU that may round more
   */
  public static Optional<String> roundingNote() {
    return roundingNote(isPresent(), System.getenv(PRECISION));
  }

  /**
   * As {@link #roundingNote()}.
   *
   * @param override the environment's variable {@code NVIDIA_TF32_OVERRIDE}, or null
   */
  static Optional<String> roundingNote(boolean present, String override) {
    return present && !"0".equals(override)
        ? Optional.of(
            "TensorFlow runs on a GPU, which may round what enters matrix products to 10 bits"
                + " (TF32); the environment variable "
                + PRECISION
                + "=0 keeps float32")
        : Optional.empty();
  }

  /** Whether the library can run an operation on devices of a type. */
  static boolean hasKernel(String operation, String type) {
    try (TF_Status status = TF_Status.newStatus()) {
      TF_Buffer kernels = tensorflow.TF_GetRegisteredKernelsForOp(operation, status);
      try {
        status.throwExceptionIfNotOK();
        // By its fields: loading the generated classes would take longer than all the rest.
        for (ByteString kernel : fields(kernels.copyData(), KernelList.KERNEL_FIELD_NUMBER)) {
          if (fields(kernel.toByteArray(), KernelDef.DEVICE_TYPE_FIELD_NUMBER)
              .contains(ByteString.copyFromUtf8(type))) {
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

  /**
   * Whether a session has a device of a type; TensorFlow Java's own sessions do not tell theirs.
   */
  static boolean hasDevice(String type) {
    try (TF_Status status = TF_Status.newStatus();
        TF_Graph graph = TF_Graph.newGraph();
        TF_SessionOptions options = TF_SessionOptions.newSessionOptions();
        TF_Session session = TF_Session.newSession(graph, options, status)) {
      status.throwExceptionIfNotOK();
      TF_DeviceList devices = tensorflow.TF_SessionListDevices(session, status);
      try {
        status.throwExceptionIfNotOK();
        for (int i = 0; i < tensorflow.TF_DeviceListCount(devices); i++) {
          String found = tensorflow.TF_DeviceListType(devices, i, status).getString();
          status.throwExceptionIfNotOK();
          if (found.equals(type)) {
            return true;
          }
        }
        return false;
      } finally {
        tensorflow.TF_DeleteDeviceList(devices);
      }
    }
  }
}
