"""Find a Java that can run Kafka.

In: JAVA_HOME and PATH of the environment. Out: the path of a `java` of version 17 or newer, or one error that says
how to get one. Trap: on macOS `/usr/bin/java` exists without any Java behind it, so a candidate counts only after it
has told its version.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from streamapp.errors import JavaMissingError

OLDEST_VERSION = 17
"""Kafka 4's broker is compiled for Java 17."""

ANSWER_SECONDS = 20.0
"""`java -version` takes 0.05 s; a cold disk or a busy machine may stretch that, a minute would be a broken Java."""


class Java(NamedTuple):
    """A `java` program and its major version."""

    path: Path
    version: int


def find_java(environment: Mapping[str, str] | None = None) -> Java:
    """Return the first Java 17+ among JAVA_HOME and PATH.

    Raises `JavaMissingError`, in one sentence that says what was found instead and how to install one.
    """
    seen: list[str] = []
    for path in candidates(os.environ if environment is None else environment):
        version = version_of(path)
        if version is not None and version >= OLDEST_VERSION:
            return Java(path, version)
        seen.append(f"{path} is version {version}" if version else f"{path} does not run")
    raise JavaMissingError(
        f"The local Kafka needs Java {OLDEST_VERSION} or newer, but {', '.join(seen) or 'there is none on the PATH'}:",
        "install it with `apt install openjdk-17-jre-headless` (Debian, Ubuntu) or `brew install openjdk@17` (macOS), "
        "or set JAVA_HOME to the folder of one that you have.",
    )


def candidates(environment: Mapping[str, str]) -> list[Path]:
    """Return the `java` programs worth asking, JAVA_HOME's before the PATH's."""
    found: list[Path] = []
    if home := environment.get("JAVA_HOME"):
        found.append(Path(home) / "bin" / "java")
    if on_path := shutil.which("java", path=environment.get("PATH", "")):
        found.append(Path(on_path))
    return list(dict.fromkeys(found))


def version_of(java: Path) -> int | None:
    """Ask a `java` for its major version; None when it cannot say."""
    try:
        answer = subprocess.run(  # noqa: S603 - the user's own JAVA_HOME or PATH names it
            [java, "-version"], capture_output=True, text=True, errors="replace", timeout=ANSWER_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return parse_version(answer.stderr + answer.stdout) if answer.returncode == 0 else None


def parse_version(answer: str) -> int | None:
    """Read the major version from what `java -version` prints.

    >>> parse_version('openjdk version "17.0.15" 2025-04-15'), parse_version('java version "1.8.0_402"')
    (17, 8)
    """
    match = re.search(r'version "(?:1\.)?(\d+)', answer)
    return int(match.group(1)) if match else None
