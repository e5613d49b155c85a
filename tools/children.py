# SPDX-License-Identifier: BSD-2-Clause
"""children: processes that end when the process that started them ends, for whatever reason."""
import ctypes
import os
import signal

PR_SET_PDEATHSIG = 1
libc = ctypes.CDLL(None)


def end_with_parent(sig=signal.SIGKILL):
    """A preexec_fn for subprocess: the kernel sends sig to the child when the thread that started it has ended."""
    parent = os.getpid()

    def in_child():
        libc.prctl(PR_SET_PDEATHSIG, sig)
        if os.getppid() != parent:  # the parent had ended before the call
            os._exit(1)

    return in_child
