"""One process per folder: a lock that the kernel lets go of when its holder dies, however it dies.

In: a folder. Out: an open file that holds the lock until it is closed. The file names the holder's process id, for the
message that the next one gets. The trap: the file stays there when nobody holds the lock; only `flock` counts.
"""

import fcntl
import os
import time
from pathlib import Path
from typing import IO

from streamapp.errors import ConfigurationError

FILE = "in-use-by.pid"


def hold_folder(folder: Path, patience_seconds: float) -> IO[str]:
    """Lock the folder for this process, waiting while another still finishes its work.

    Raises ConfigurationError, naming the other process, when it is still there after `patience_seconds`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = (folder / FILE).open("a+")
    deadline = time.monotonic() + patience_seconds
    while not _try_lock(file):
        if time.monotonic() > deadline:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            file.close()
            raise ConfigurationError(
                f"The store in {folder} is in use by process {holder}.",
                "Only one process can open it: stop that one, or give this one another home (STREAMAPP_HOME).",
            )
        time.sleep(0.05)
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file


def _try_lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
