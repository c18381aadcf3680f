"""Load jars from Maven Central through the Ivy that PySpark ships, with Ivy's default settings.

In: jars by group, artifact and version, and a folder. Out: `artifact-version.jar` files in that folder. Nothing is
resolved transitively. Trap: nothing here proves what was loaded; `jars.py` does, by SHA-512.
"""

import importlib.util
import re
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import quoteattr

from streamapp.errors import ConfigurationError, StreamappError, UnreachableError

NETWORK = ("-Dsun.net.client.defaultConnectTimeout=20000", "-Dsun.net.client.defaultReadTimeout=60000")
"""Ivy itself waits for ever; a minute without a byte is an outage."""

OWN_JARS_HINT = "or copy Kafka's jars into a folder and name it with STREAMAPP_BROKER__JARS"


class Coordinates(NamedTuple):
    """Where a jar stands in Maven's world."""

    group: str
    artifact: str
    version: str

    @property
    def file_name(self) -> str:
        """The jar's file name."""
        return f"{self.artifact}-{self.version}.jar"


class Step(NamedTuple):
    """One jar got further: found in Maven Central, or loaded from there."""

    name: str
    loaded: bool


def fetch(java: Path, jars: Iterable[Coordinates], folder: Path, cache: Path, note: Callable[[Step], None]) -> None:
    """Load the jars into `folder`; `cache` keeps what a broken attempt had already loaded.

    `note` hears of every jar twice: when it is found, and when it has come in. Raises `UnreachableError` when they
    cannot be loaded, `ConfigurationError` when this machine cannot keep them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    description = folder / "ivy.xml"
    description.write_text(ivy_xml(jars), encoding="utf-8")
    command: list[str | Path] = [java, *NETWORK, "-cp", ivy_jar(), "org.apache.ivy.Main"]
    command += ["-ivy", description, "-cache", cache, "-confs", "default"]
    command += ["-retrieve", f"{folder}/[artifact]-[revision].[ext]"]
    said: list[str] = []
    with subprocess.Popen(  # noqa: S603 - a fixed command; no shell reads it
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as process:
        try:
            assert process.stdout is not None
            for line in process.stdout:
                said.append(line)
                if step := read_step(line):
                    note(step)
        except BaseException:
            process.kill()  # an interrupted start must not leave a downloading Java behind
            raise
    if process.returncode != 0:
        raise explain("".join(said))


def ivy_jar() -> Path:
    """Return PySpark's own Ivy, without importing PySpark."""
    spec = importlib.util.find_spec("pyspark")
    places = spec.submodule_search_locations if spec is not None else None
    found = sorted(path for place in places or () for path in Path(place).glob("jars/ivy-*.jar"))
    if not found:
        raise ConfigurationError("PySpark's Ivy is not installed.", "Install streamapp again with its dependencies.")
    return found[-1]


def ivy_xml(jars: Iterable[Coordinates]) -> str:
    """Write the jars as an Ivy module; each stands alone (`transitive="false"`)."""
    lines = "".join(
        f"    <dependency org={quoteattr(jar.group)} name={quoteattr(jar.artifact)} rev={quoteattr(jar.version)}"
        ' transitive="false" conf="default->master"/>\n'
        for jar in jars
    )
    return (
        '<ivy-module version="2.0">\n  <info organisation="streamapp" module="kafka"/>\n'
        f'  <configurations><conf name="default"/></configurations>\n  <dependencies>\n{lines}  </dependencies>\n'
        "</ivy-module>\n"
    )


def read_step(line: str) -> Step | None:
    """Read what a line of Ivy's output says of one jar; None for every other line.

    >>> read_step("\\t[SUCCESSFUL ] org.lz4#lz4-java;1.8.0!lz4-java.jar (90ms)")
    Step(name='lz4-java', loaded=True)
    """
    match = re.match(r"\s*(found|\[SUCCESSFUL \]) [^#\s]+#([^;\s]+);", line)
    return Step(match.group(2), match.group(1) != "found") if match else None


def explain(said: str) -> StreamappError:
    """Turn what Ivy printed before it failed into one clear error."""
    if "No space left on device" in said:
        return ConfigurationError("The disk is full: Kafka's jars could not be stored.", "Free 200 MB and try again.")
    if "Permission denied" in said:
        return ConfigurationError("Kafka's jars could not be stored: permission denied.", f"Mend it, {OWN_JARS_HINT}.")
    reasons = re.findall(
        r"(?:Server access error at url [^\s]+|unresolved dependency: [^\n]+|\S+Exception: [^\n]+)", said
    )
    why = reasons[0] if reasons else (said.strip().splitlines() or ["Ivy said nothing"])[-1].strip()
    return UnreachableError(
        f"Kafka's jars could not be loaded from Maven Central: {why}.",
        f"Check the network (a proxy goes into JAVA_TOOL_OPTIONS, -Dhttps.proxyHost=…) and try again, {OWN_JARS_HINT}.",
    )
