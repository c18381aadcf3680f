"""Free ports on this machine, and who holds those that are not.

In: a port of 127.0.0.1. Out: nothing, or a `PortInUseError` that names the port and the process that listens there.
Trap: a port that is free now may be taken a moment later; Kafka's own complaint is translated too (see `fate.py`).
"""

import socket

import psutil

from streamapp.errors import ConfigurationError, PortInUseError

LOCALHOST = "127.0.0.1"


KAFKA_SETTING = f"STREAMAPP_KAFKA__BOOTSTRAP_SERVERS={LOCALHOST}:{{port}}"
"""How to say which port Kafka is on."""


def check_port(port: int, setting: str = KAFKA_SETTING) -> None:
    """Raise `PortInUseError` when something listens on the port of 127.0.0.1 (or on all addresses)."""
    if not 0 < port < 65536:
        raise ConfigurationError(f"{port} is no port number.", "Choose one between 1 and 65535.")
    with socket.socket() as probe:
        # Without it a port whose last connections still time out would count as taken for a minute.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOCALHOST, port))
        except PermissionError as error:
            raise ConfigurationError(
                f"Port {port} may not be opened: {error.strerror}.", _choose(port + 10_000, setting)
            ) from error
        except OSError as error:
            raise port_in_use(port, setting) from error
    with socket.socket() as probe:
        # Some systems let us bind beside a listener on all addresses; an answer gives it away.
        probe.settimeout(1.0)
        if probe.connect_ex((LOCALHOST, port)) == 0:
            raise port_in_use(port, setting)


def port_in_use(port: int, setting: str = KAFKA_SETTING) -> PortInUseError:
    """Describe a taken port: who holds it, and how to choose another."""
    other = port + 100 if port < 65_000 else port - 100
    held = f"Port {port} of {LOCALHOST} is in use by {holder(port)}."
    return PortInUseError(held, f"Stop that, or {_choose(other, setting)}")


def _choose(port: int, setting: str) -> str:
    return f"choose another port: {setting.format(port=port)}, for every process."


def holder(port: int) -> str:
    """Name the process that listens on a port, as far as this user may see it."""
    try:
        listening = [
            c
            for c in psutil.net_connections("tcp")
            if c.status == psutil.CONN_LISTEN and c.laddr and c.laddr.port == port
        ]
        pid = next((c.pid for c in listening if c.pid), None)
        if pid is None:
            return "a process of another user"
        return f"{psutil.Process(pid).name()} (process {pid})"
    except (psutil.Error, PermissionError):  # macOS shows connections to root alone
        return "another process"


def free_port() -> int:
    """Return a port of 127.0.0.1 that nothing uses now."""
    with socket.socket() as probe:
        probe.bind((LOCALHOST, 0))
        return int(probe.getsockname()[1])
