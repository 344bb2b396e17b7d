"""Runs a command as a process of its own, kept to some processors, and says what it took."""

import dataclasses
import os
import signal
import subprocess
import tempfile
import threading
import time


@dataclasses.dataclass(frozen=True)
class Finished:
    """A process that has ended.

    Attributes:
        status: exit status; negative, the signal that ended it.
        output, errors: what it wrote.
        seconds: from its start to its end.
        processor_seconds: what it and the processes that it waited for computed.
    """

    status: int
    output: str
    errors: str
    seconds: float
    processor_seconds: float

    @property
    def busy(self):
        """Processors kept busy on average."""
        return self.processor_seconds / self.seconds

    def reason(self):
        """Why it failed, as a line: the last that it wrote of an error."""
        lines = [line.strip() for line in (self.errors + "\n" + self.output).splitlines() if line.strip()]
        # Java writes the trace of the stack below the error, and JMH more below that.
        told = [line for line in lines if ("Error" in line or "Exception" in line) and not line.startswith("at ")]
        return (told or lines or ["nothing was written"])[-1] + f" (exit status {self.status})"


def run(command, processors, timeout, environment=None, folder=None):
    """Runs a command to its end.

    processors: set of those it and its children may use. timeout: seconds after which it and its children are killed.
    environment: variables besides this process's. folder: where it runs, if not here.
    """
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        start = time.monotonic()
        process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            cwd=folder,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
            preexec_fn=lambda: os.sched_setaffinity(0, processors),
        )
        # The children of a benchmark harness are in its group, and end with it.
        timer = threading.Timer(timeout, os.killpg, (process.pid, signal.SIGKILL))
        timer.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        finally:
            timer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - start
        output.seek(0)
        errors.seek(0)
        return Finished(
            process.returncode, output.read(), errors.read(), seconds, usage.ru_utime + usage.ru_stime
        )
