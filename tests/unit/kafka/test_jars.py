"""Kafka's jars are used only when they are what the lock says, however they came in."""

import hashlib
import multiprocessing
import os
import stat
from pathlib import Path

import pytest

from streamapp.errors import ConfigurationError, UnreachableError
from streamapp.kafka import ivy, jars
from streamapp.kafka.ivy import Coordinates, Step
from streamapp.kafka.jars import LockedJar, ensure_jars, read_lock

CONTENT = b"a jar"
SHA512 = hashlib.sha512(CONTENT).hexdigest()
ONE = [LockedJar(Coordinates("some.group", "thing", "1.0"), SHA512)]

FAKE_JAVA = r"""#!/usr/bin/env python3
import pathlib, sys, time
if "-version" in sys.argv:
    sys.exit(print('openjdk version "17.0.1"', file=sys.stderr))
place = pathlib.Path(__file__).parent
(place / f"ran-{time.monotonic_ns()}").touch()
if (place / "words").exists():
    print((place / "words").read_text())
    sys.exit(1)
pattern = sys.argv[sys.argv.index("-retrieve") + 1]
print("\tfound some.group#thing;1.0 in public")
print("\t[SUCCESSFUL ] some.group#thing;1.0!thing.jar (1ms)")
path = pathlib.Path(pattern.replace("[artifact]", "thing").replace("[revision]", "1.0").replace("[ext]", "jar"))
path.write_bytes((place / "content").read_bytes())
"""


@pytest.fixture
def java(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `java` program that plays Ivy: gives `content`, or fails with `words`, and notes each run."""
    program = tmp_path / "jdk" / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(FAKE_JAVA)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    (program.parent / "content").write_bytes(CONTENT)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "jdk"))
    return program.parent


def runs(java: Path) -> int:
    return len(list(java.glob("ran-*")))


def test_the_lock_pins_kafka_4_1_1_and_its_logging_with_a_sha512_each() -> None:
    lock = read_lock()
    names = {f"{jar.coordinates.group}:{jar.coordinates.artifact}:{jar.coordinates.version}" for jar in lock}
    assert len(names) == len(lock) == len({jar.coordinates.file_name for jar in lock})
    assert "org.apache.kafka:kafka_2.13:4.1.1" in names
    assert any(name.startswith("org.apache.logging.log4j:log4j-core:2.") for name in names)
    assert all(len(jar.sha512) == 128 and int(jar.sha512, 16) for jar in lock)


def test_what_is_there_is_checked_and_not_loaded_again(java: Path, tmp_path: Path) -> None:
    (tmp_path / "jars").mkdir()
    (tmp_path / "jars" / "thing-1.0.jar").write_bytes(CONTENT)
    assert ensure_jars(tmp_path / "jars", lock=ONE) == [tmp_path / "jars" / "thing-1.0.jar"]
    assert runs(java) == 0


def test_what_is_missing_is_loaded_once_with_progress(java: Path, tmp_path: Path) -> None:
    told: list[tuple[int, int, str]] = []
    paths = ensure_jars(tmp_path / "jars", lambda *step: told.append(step), ONE)
    assert paths[0].read_bytes() == CONTENT
    assert told == [(0, 1, ""), (0, 1, "thing"), (1, 1, "thing"), (1, 1, "")]
    ensure_jars(tmp_path / "jars", lock=ONE)
    assert runs(java) == 1
    assert {path.name for path in (tmp_path / "jars").iterdir()} == {".lock", "thing-1.0.jar"}


def test_a_jar_that_was_changed_is_refused_by_name(java: Path, tmp_path: Path) -> None:
    (tmp_path / "jars").mkdir()
    (tmp_path / "jars" / "thing-1.0.jar").write_bytes(b"something else")
    with pytest.raises(ConfigurationError) as caught:
        ensure_jars(tmp_path / "jars", lock=ONE)
    assert "thing-1.0.jar" in caught.value.message
    assert "Delete that file" in caught.value.hint
    assert runs(java) == 0


def test_a_jar_that_comes_in_wrong_is_refused_and_not_kept(java: Path, tmp_path: Path) -> None:
    (java / "content").write_bytes(b"tampered")
    with pytest.raises(ConfigurationError, match=r"thing-1\.0\.jar"):
        ensure_jars(tmp_path / "jars", lock=ONE)
    assert {path.name for path in (tmp_path / "jars").iterdir()} == {".lock"}
    (java / "content").write_bytes(CONTENT)
    assert ensure_jars(tmp_path / "jars", lock=ONE)[0].read_bytes() == CONTENT


def test_two_processes_at_once_load_once(java: Path, tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    both = [context.Process(target=ensure_jars, kwargs={"folder": tmp_path / "jars", "lock": ONE}) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join(60)
    assert [process.exitcode for process in both] == [0, 0]
    assert runs(java) == 1


def test_no_network_and_a_full_disk_are_told_apart(java: Path, tmp_path: Path) -> None:
    (java / "words").write_text("Server access error at url somewhere (java.net.UnknownHostException: somewhere)")
    with pytest.raises(UnreachableError) as caught:
        ensure_jars(tmp_path / "jars", lock=ONE)
    assert "STREAMAPP_BROKER__JARS" in caught.value.hint
    (java / "words").write_text("java.io.IOException: No space left on device")
    with pytest.raises(ConfigurationError, match="disk is full"):
        ensure_jars(tmp_path / "jars", lock=ONE)


def test_a_disk_without_room_is_named_before_anything_is_loaded(
    java: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jars, "NEEDED_BYTES", 1 << 62)
    with pytest.raises(ConfigurationError, match="No space left") as caught:
        ensure_jars(tmp_path / "jars", lock=ONE)
    assert str(tmp_path / "jars") in caught.value.message
    assert runs(java) == 0


def test_a_folder_that_cannot_be_made_is_named(java: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="cannot be kept in"):
        ensure_jars(tmp_path / "file" / "jars", lock=ONE)


def test_the_cache_folder_follows_xdg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert jars.default_folder() == Path("/somewhere/streamapp/kafka-4.1.1")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/me")
    assert jars.default_folder() == Path("/home/me/.cache/streamapp/kafka-4.1.1")


def test_ivys_description_takes_each_jar_alone() -> None:
    text = ivy.ivy_xml([Coordinates("a.b", "c", "1"), Coordinates("d", "e", "2")])
    assert text.count('transitive="false"') == 2
    assert '<dependency org="a.b" name="c" rev="1"' in text


def test_pysparks_ivy_is_found_without_importing_pyspark() -> None:
    assert ivy.ivy_jar().name.startswith("ivy-")


def test_ivys_steps_are_read() -> None:
    assert ivy.read_step("\tfound org.lz4#lz4-java;1.8.0 in public") == Step("lz4-java", False)
    assert ivy.read_step("\t[SUCCESSFUL ] org.yaml#snakeyaml;2.4!snakeyaml.jar(bundle) (116ms)") == Step(
        "snakeyaml", True
    )
    assert ivy.read_step("downloading something ...") is None


def test_no_registry_host_is_written_in_the_room() -> None:
    folder = Path(jars.__file__).parent
    for path in [*folder.glob("*.py"), folder / "jars.lock"]:
        assert "http" + "s://" not in path.read_text(), path
    assert os.sep not in "".join(jar.coordinates.file_name for jar in read_lock())
