"""Stops one thread of a process and lets it go again: as if it were stuck in the kernel.

By ptrace through ctypes; the thread that calls `stop` must call `release` too."""

import ctypes
import os
import unittest

from . import description

PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_DETACH = 0x4206, 0x4207, 17
WALL = 0x40000000  # __WALL: also threads that are no children of ours


class StoppedThread:
    def __init__(self, thread_id):
        self.thread_id = thread_id
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
        self.libc.ptrace.restype = ctypes.c_long
        self.is_stopped = False

    def call(self, request):
        if self.libc.ptrace(request, self.thread_id, None, None) < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    def stop(self):
        try:
            self.call(PTRACE_SEIZE)
        except PermissionError as error:
            reason = f"this system forbids ptrace: {error}"
            description.seen.add(("skipped", "", reason))  # answers that no test can see here
            raise unittest.SkipTest(reason) from error
        self.call(PTRACE_INTERRUPT)
        os.waitpid(self.thread_id, WALL)
        self.is_stopped = True

    def release(self):
        if self.is_stopped:
            self.is_stopped = False
            self.call(PTRACE_DETACH)

    def __enter__(self):
        self.stop()
        return self

    def __exit__(self, *_):
        self.release()
