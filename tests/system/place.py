"""The product as its user has it: processes, Kafka, HTTP and a browser; nothing here imports from streamapp."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

STREAMAPP = (sys.executable, "-m", "streamapp")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(condition: Callable[[], Any], seconds: float, what: str) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds:.0f} s: {what}")


class Place(NamedTuple):
    """A folder to run in, and the ports chosen for it."""

    folder: Path
    kafka_port: int
    web_port: int

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {
            "STREAMAPP_KAFKA__BOOTSTRAP_SERVERS": f"127.0.0.1:{self.kafka_port}",
            "STREAMAPP_WEB__PORT": str(self.web_port),
            "STREAMAPP_BROKER__HEAP_MEGABYTES": "256",
        }

    def start(self, *arguments: str, log: str = "out") -> subprocess.Popen[bytes]:
        with (self.folder / f"{log}.log").open("ab") as file:
            return subprocess.Popen(
                [*STREAMAPP, *arguments], cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
                stdout=file, stderr=file, start_new_session=True,
            )  # fmt: skip

    def run(self, *arguments: str, seconds: float = 240) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*STREAMAPP, *arguments], cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=seconds, check=False,
        )  # fmt: skip

    def json(self, *arguments: str) -> Any:
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.web_port}{path}"

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self.url(path), timeout=30) as response:
            return json.load(response)

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()[-3000:]


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Where the demo runs once for all system tests that look at what it leaves."""
    return Place(tmp_path_factory.mktemp("demo"), free_port(), free_port())


@pytest.fixture(scope="session")
def demo(place: Place) -> subprocess.CompletedProcess[str]:
    """`streamapp demo --events 4000 --exit`, run to its end."""
    return place.run("demo", "--events", "4000", "--exit", seconds=280)


@pytest.fixture(scope="session")
def running(place: Place, demo: subprocess.CompletedProcess[str]) -> Iterator[Place]:
    """Kafka and a worker over what the demo left, until the session ends."""
    assert demo.returncode == 0, demo.stderr
    kafka = place.start("kafka", log="kafka")
    worker = place.start("worker", "--wait", log="worker")
    try:
        wait_until(lambda: answers(place), 90, "the worker's web")
        yield place
    finally:
        for process in (worker, kafka):
            end(process)


def answers(place: Place) -> bool:
    try:
        status = place.get("/status")
        return bool(status["lag"] == 0 and status["in_flight"] == 0 and status["partitions"] == 16)
    except OSError:
        return False


def end(process: subprocess.Popen[bytes]) -> None:
    """Stop a process we started, in order, then by force."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A headless Chromium."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and driver):
        pytest.skip("no Chromium here: apt-get install chromium chromium-driver")
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (
        "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
        "--disable-quic",
        "--disable-background-networking", "--disable-component-update", "--disable-sync", "--window-size=1200,900",
        f"--user-data-dir={tmp_path_factory.mktemp('chromium')}",
    ):  # fmt: skip
        options.add_argument(flag)
    opened = webdriver.Chrome(options=options, service=Service(driver))
    try:
        yield opened
    finally:
        opened.quit()
