"""A real Kafka on this machine: one KRaft node as a child process, its data under `home/kafka`.

In: the home folder, `BrokerSettings` and a port. Out: a broker on 127.0.0.1 that keeps its data over stops and kills.
`start` and `stop` block (the first start loads jars and formats the data), `wait_ready` is for an event loop. Trap:
the lock on the data folder is held by Kafka itself, so it tells the truth even when the process that started it died.
"""

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from streamapp.errors import BrokerUnreachableError
from streamapp.kafka import node, watchdog
from streamapp.kafka.clients import check_broker
from streamapp.kafka.fate import explain_end
from streamapp.kafka.folder import check_disk, clear_errors, clear_unfinished, locked, write_owner
from streamapp.kafka.jars import Progress, ensure_jars, no_progress
from streamapp.kafka.java import find_java
from streamapp.kafka.ports import LOCALHOST, check_port, free_port
from streamapp.settings import BrokerSettings, KafkaSettings

READY_SECONDS = 60.0
"""Two seconds on an idle machine, ten after `kill -9`; a busy machine gets the benefit of the doubt."""

STOP_SECONDS = 20.0


class LocalBroker:
    """One Kafka node of our own.

    `die_with_parent`: a watchdog ends Kafka when this process is gone, even by `kill -9`. `home` may be any folder;
    it is made. Use it as `async with LocalBroker(…)` (ready inside), or with `start`, `wait_ready` and `stop`.
    """

    def __init__(self, home: Path, settings: BrokerSettings, port: int, *, die_with_parent: bool = False) -> None:
        self.home = home.absolute()
        self.port = port
        self._folder = self.home / "kafka"
        self._log = self.home / "logs" / "kafka.log"
        self._settings = settings
        self._die_with_parent = die_with_parent
        self._process: subprocess.Popen[bytes] | None = None
        self._watchdog: subprocess.Popen[bytes] | None = None
        self._log_start = 0

    @property
    def bootstrap_servers(self) -> str:
        """The address for clients."""
        return f"{LOCALHOST}:{self.port}"

    @property
    def pid(self) -> int | None:
        """Kafka's process, while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    @property
    def exit_code(self) -> int | None:
        """How Kafka ended; None while it runs or before it was started."""
        return None if self._process is None else self._process.poll()

    def start(self, progress: Progress = no_progress) -> None:
        """Start Kafka; its first start loads the jars (`progress`) and formats the data folder.

        Raises `JavaMissingError`, `PortInUseError`, `UnreachableError` (jars), and `ConfigurationError` for a full
        disk, a folder that cannot be written, or one that another Kafka uses.
        """
        java = find_java().path
        with clear_errors(self.home):
            self._folder.mkdir(parents=True, exist_ok=True)
            self._log.parent.mkdir(parents=True, exist_ok=True)
            check_disk(self.home)
            with locked(self._folder) as lock:
                check_port(self.port)
                jars = ensure_jars(self._settings.jars, progress)
                self._write_files()
                if not (self._folder / node.DATA / "meta.properties").exists():
                    self._format(java, jars)
                self._spawn(java, jars, lock)

    async def wait_ready(self, timeout_seconds: float = READY_SECONDS) -> None:
        """Return when the broker answers; raise when it ended early, with its last words, or at the deadline."""
        deadline = time.monotonic() + timeout_seconds
        kafka = KafkaSettings(bootstrap_servers=self.bootstrap_servers)
        while True:
            if (code := self.exit_code) is not None:
                raise explain_end(self._said(), code, self.port, str(self._log))
            try:
                # Knocking first is cheap, and spares aiokafka's error log while nobody is at home.
                _, knock = await asyncio.open_connection(LOCALHOST, self.port)
                knock.close()
                await check_broker(kafka, timeout_seconds=max(1.0, min(10.0, deadline - time.monotonic())))
                return
            except (OSError, BrokerUnreachableError) as error:
                if time.monotonic() > deadline:
                    raise BrokerUnreachableError(
                        f"The local Kafka did not answer at {self.bootstrap_servers} within {timeout_seconds:.0f} s.",
                        f"See {self._log}; a busy machine may need another start.",
                    ) from error
            await asyncio.sleep(0.05)

    def stop(self, timeout_seconds: float = STOP_SECONDS) -> None:
        """End Kafka, in order first, by force after the deadline; nothing happens when it does not run."""
        self._call_off()
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _call_off(self) -> None:
        """End the watchdog, before it could take an end in order for a death."""
        if self._watchdog is not None:
            self._watchdog.kill()
            self._watchdog.communicate()
            self._watchdog = None

    async def __aenter__(self) -> Self:
        """Start and wait until it answers."""
        await asyncio.to_thread(self.start)
        try:
            await self.wait_ready()
        except BaseException:
            self.stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        await asyncio.to_thread(self.stop)

    def _write_files(self) -> None:
        properties = node.server_properties(self.port, free_port(), self._settings)
        (self._folder / node.PROPERTIES).write_text(properties, encoding="ascii")
        (self._folder / node.LOG4J).write_text(node.log4j2_properties(), encoding="ascii")

    def _format(self, java: Path, jars: list[Path]) -> None:
        """Give the data folder its cluster id, once and for all."""
        clear_unfinished(self._folder / node.DATA)
        arguments = ["format", "--cluster-id", node.new_cluster_id(), "--config", node.PROPERTIES]
        command = node.java_command(java, jars, "kafka.tools.StorageTool", arguments, self._settings.heap_megabytes)
        done = subprocess.run(  # noqa: S603 - a fixed command; no shell reads it
            command,
            cwd=self._folder,
            env=java_environment(),
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        if done.returncode != 0:
            raise explain_end(done.stdout + done.stderr, done.returncode, self.port, str(self._log))

    def _spawn(self, java: Path, jars: list[Path], lock: IO[str]) -> None:
        """Run Kafka in a session of its own, so that Ctrl-C reaches its owner alone, who stops it in order."""
        self._log_start = self._log.stat().st_size if self._log.exists() else 0
        command = node.java_command(java, jars, "kafka.Kafka", [node.PROPERTIES], self._settings.heap_megabytes)
        with self._jvm_log.open("wb") as output:
            self._process = subprocess.Popen(  # noqa: S603 - a fixed command; no shell reads it
                command,
                cwd=self._folder,
                env=java_environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=[lock.fileno()],
            )
        write_owner(lock, self._process.pid, self.port)
        self._call_off()  # that of a Kafka which had died by itself
        if self._die_with_parent:
            self._watchdog = subprocess.Popen(  # noqa: S603 - our own file, our own number
                [sys.executable, "-I", watchdog.__file__, str(self._process.pid)],
                stdin=subprocess.PIPE,
                start_new_session=True,
            )

    @property
    def _jvm_log(self) -> Path:
        """What Java itself prints, before and beside Kafka's log."""
        return self._log.with_name("kafka.out")

    def _said(self) -> str:
        """Everything that Java and Kafka wrote since the start."""
        said = self._jvm_log.read_text("utf-8", errors="replace")
        if self._log.exists():
            with self._log.open("rb") as file:
                # The log may have been rolled meanwhile; then all of it is new.
                file.seek(self._log_start if self._log_start <= os.fstat(file.fileno()).st_size else 0)
                said = file.read().decode("utf-8", errors="replace") + said
        return said


def java_environment() -> dict[str, str]:
    """Return our environment with a locale in which Java can read every folder's name; in the C locale it cannot."""
    return os.environ | {"LC_ALL": "C.UTF-8"}
