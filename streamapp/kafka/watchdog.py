"""Ends a process when the one that started it is gone, however that went.

A program of its own (`python -I watchdog.py PID`), so that it outlives `kill -9` of the parent: the parent holds the
other end of its standard input and never writes, and the system closes that end when the parent dies. It ends by
itself when the process does. Trap: on Linux it holds the process by a handle, not by a number that is used again.
"""

import contextlib
import os
import select
import signal
import sys

GRACE_SECONDS = 10.0
"""Kafka closes its files in 0.3 s; after this long it is stuck."""


def watch(pid: int) -> None:
    """Wait for the end of standard input or of the process, whichever is first; in the first case end the process."""
    if sys.platform != "linux":  # no handles there, but the parent ends this watchdog before it stops the process
        select.select([sys.stdin], [], [])
        os.kill(pid, signal.SIGTERM)
        return
    process = os.pidfd_open(pid)
    if process in select.select([sys.stdin, process], [], [])[0]:
        return
    signal.pidfd_send_signal(process, signal.SIGTERM)
    if not select.select([process], [], [], GRACE_SECONDS)[0]:
        signal.pidfd_send_signal(process, signal.SIGKILL)


if __name__ == "__main__":
    with contextlib.suppress(ProcessLookupError):  # it was faster than we
        watch(int(sys.argv[1]))
