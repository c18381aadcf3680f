"""What this machine is like: Java, the web's port, disk, memory, and the folder of all local state.

Each function looks at one thing and changes nothing, but for a file without a name that shows a folder can be written.
"""

import shutil
import socket
import tempfile
from pathlib import Path

import psutil

from streamapp.doctor.check import Finding
from streamapp.doctor.place import is_local
from streamapp.errors import JavaMissingError
from streamapp.kafka.folder import NEEDED_BYTES
from streamapp.kafka.java import find_java
from streamapp.kafka.ports import holder
from streamapp.running import running_worker
from streamapp.settings import KafkaSettings, WebSettings

GIB = 1024**3

COMFORTABLE_BYTES = 2 * GIB
"""Of disk: a million events with their points, topics and tables. Of memory: Kafka's heap, torch, and the caches."""

TIGHT_BYTES = GIB // 4
"""Of memory: below this the system begins to end processes."""


def check_java(kafka: KafkaSettings) -> Finding:
    """Java 17 or newer, which only a Kafka on this machine needs."""
    try:
        java = find_java()
    except JavaMissingError as error:
        return Finding("bad" if is_local(kafka) else "warning", error.message.rstrip(":") + ".", error.hint)
    return Finding("good", f"Java {java.version} at {java.path}")


def check_web_port(home: Path, web: WebSettings) -> Finding:
    """The port of the pages is free, or our worker's."""
    worker = running_worker(home)
    if worker is not None:
        return Finding("good", f"our worker (process {worker.pid}) answers at {worker.url}")
    if web.port == 0:
        return Finding("good", "any free port is taken")
    where = f"{web.host}:{web.port}"
    try:
        family = socket.getaddrinfo(web.host, web.port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family[0]) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(family[4])
    except PermissionError:
        return Finding("bad", f"{where} may not be opened by this user", "Choose a port above 1023: " + _PORT_MEND)
    except socket.gaierror as error:
        return Finding("bad", f"{web.host} is no address: {error.strerror}", "Mend STREAMAPP_WEB__HOST.")
    except OSError as error:
        return _refused(where, web.port, error)
    return Finding("good", f"{where} is free")


_PORT_MEND = "STREAMAPP_WEB__PORT=… (0 takes any free one)."


def _refused(where: str, port: int, error: OSError) -> Finding:
    with socket.socket() as probe:
        probe.settimeout(1.0)
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            return Finding("bad", f"{where} is in use by {holder(port)}", "Stop that, or choose another: " + _PORT_MEND)
    return Finding("bad", f"{where} cannot be listened on: {error.strerror}", "Set STREAMAPP_WEB__HOST: 127.0.0.1.")


def check_disk(home: Path) -> Finding:
    """Room where the local state lies."""
    there = existing(home)
    free = shutil.disk_usage(there).free
    seen = f"{free / 1e9:,.1f} GB free where {there} lies"
    mend = "Make room, or name a folder on another disk with STREAMAPP_HOME."
    if free < NEEDED_BYTES:
        return Finding("bad", f"{seen}; Kafka needs {NEEDED_BYTES / 1e9:.1f} GB", mend)
    return Finding("good", seen) if free >= COMFORTABLE_BYTES else Finding("warning", f"{seen}, which fills soon", mend)


def check_memory(home: Path) -> Finding:
    """Memory for what is to start, or left beside what runs."""
    available = psutil.virtual_memory().available
    runs = running_worker(home) is not None
    seen = f"{available / GIB:,.1f} GiB available{' beside the running worker' if runs else ''}"
    if available < TIGHT_BYTES:
        return Finding("bad", seen, "End other programs; Kafka and the worker take about 2 GiB.")
    if not runs and available < COMFORTABLE_BYTES:
        return Finding("warning", seen, "Kafka and the worker take about 2 GiB; set embedding.kind to light to save 1.")
    return Finding("good", seen)


def check_home(home: Path) -> Finding:
    """The folder of all local state can be written, or made."""
    there = existing(home)
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        return Finding(
            "bad",
            f"{there} cannot be written: {error.strerror or error}",
            "Change its owner or rights, or name another folder with --home (STREAMAPP_HOME).",
        )
    return Finding("good", f"{home.absolute()} {'can be written' if there == home.absolute() else 'can be made'}")


def existing(path: Path) -> Path:
    """The path itself, or the nearest folder above it that is there."""
    path = path.absolute()
    return next((one for one in (path, *path.parents) if one.exists()), path)
