"""Waiting: always for something, never longer than a deadline.

PIPEBRIDGE_TEST_SCALE stretches the deadlines where the program is slow (sanitizers)."""

import os
import time

SCALE = float(os.environ.get("PIPEBRIDGE_TEST_SCALE", "1"))
SHORT_S = 5.0 * SCALE
LONG_S = 30.0 * SCALE


class DeadlineError(AssertionError):
    """Something that had to happen did not."""


def wait_until(predicate, what, timeout_s=SHORT_S):
    """Returns the first true value of `predicate`, asked every few milliseconds."""
    end = time.monotonic() + timeout_s
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() > end:
            raise DeadlineError(f"after {timeout_s:g} s still not: {what}")
        time.sleep(0.005)
