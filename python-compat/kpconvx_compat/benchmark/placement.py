"""How far apart a machine's processors are, which a virtual machine's host may change from minute to minute."""

import mmap
import os
import time

TRIPS = 4000
BATCHES = 9
SPINS = 10**7
FAR = 1.5
PATIENCE = 21.0
POLL = 3.0


def message_ns(processors):
    """How long a message takes from the first of some processors to the last and back, in ns.

    Two processes write to memory that they share and wait for one another; the least mean of several batches, in which
    other work disturbs least. Some 170 where the two share a cache, 560 where they do not (AMD EPYC), Python's own part
    included. None if there is one processor only.
    """
    first, last = min(processors), max(processors)
    if first == last:
        return None
    shared = mmap.mmap(-1, mmap.PAGESIZE)
    partner = os.fork()
    if partner == 0:
        try:
            os.sched_setaffinity(0, {last})
            view = memoryview(shared).cast("q")
            for message in range(1, TRIPS * BATCHES + 1):
                _wait(view, 0, message)
                view[64] = message
        finally:
            os._exit(0)
    allowed = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {first})
        view = memoryview(shared).cast("q")
        means = []
        for batch in range(BATCHES):
            start = time.perf_counter_ns()
            for message in range(batch * TRIPS + 1, (batch + 1) * TRIPS + 1):
                view[0] = message
                _wait(view, 64, message)
            means.append((time.perf_counter_ns() - start) / TRIPS)
        return min(means)
    finally:
        os.sched_setaffinity(0, allowed)
        os.waitpid(partner, 0)


def _wait(view, place, message):
    for _ in range(SPINS):
        if view[place] == message:
            return
    raise RuntimeError("the other processor does not answer")


class Placement:
    """Whether processors are as near to one another as they were at best.

    Args:
        measure: function that tells the distance, or None for a single processor.
        sleep: waits for some seconds.
    """

    def __init__(self, measure, sleep=time.sleep):
        self._measure = measure
        self._sleep = sleep
        self.least = None

    def distance(self):
        """The distance now, or None."""
        found = self._measure()
        if found is not None:
            self.least = found if self.least is None else min(self.least, found)
        return found

    def far(self, distance):
        """Whether that is more than half as much again as the least that was found."""
        return distance is not None and distance > FAR * self.least

    def settle(self):
        """Waits until they are near, some seconds at most; returns the distance then."""
        found = self.distance()
        waited = 0.0
        while self.far(found) and waited < PATIENCE:
            self._sleep(POLL)
            waited += POLL
            found = self.distance()
        return found
