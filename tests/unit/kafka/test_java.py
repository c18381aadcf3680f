"""Java is found where users have it, and its absence is one clear sentence."""

import stat
from pathlib import Path

import pytest

from streamapp.errors import JavaMissingError
from streamapp.kafka.java import find_java, parse_version


def put_java(folder: Path, version: str) -> Path:
    program = folder / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2025-04-15' >&2\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


@pytest.mark.parametrize(
    ("answer", "version"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('java version "1.8.0_402"', 8),
        ('openjdk version "21-ea" 2023-09-19', 21),
        ('Picked up JAVA_TOOL_OPTIONS: -Dx="1"\nopenjdk version "25" 2025-09-16', 25),
        ("The operation couldn't be completed. Unable to locate a Java Runtime.", None),
    ],
)
def test_versions_are_read_in_every_form(answer: str, version: int | None) -> None:
    assert parse_version(answer) == version


def test_java_home_comes_before_the_path(tmp_path: Path) -> None:
    home, path = put_java(tmp_path / "home", "21.0.1"), put_java(tmp_path / "path", "17.0.1")
    assert find_java({"JAVA_HOME": str(tmp_path / "home"), "PATH": str(path.parent)}) == (home, 21)


def test_an_old_java_home_gives_way_to_a_good_path(tmp_path: Path) -> None:
    put_java(tmp_path / "home", "11.0.2")
    path = put_java(tmp_path / "path", "17.0.1")
    assert find_java({"JAVA_HOME": str(tmp_path / "home"), "PATH": str(path.parent)}) == (path, 17)


def test_no_java_is_one_sentence_that_says_how_to_install_it(tmp_path: Path) -> None:
    with pytest.raises(JavaMissingError) as caught:
        find_java({"PATH": str(tmp_path)})
    said = str(caught.value)
    assert "\n" not in said
    assert said.count(". ") == 0
    for part in ("Java 17", "apt install openjdk-17-jre-headless", "brew install openjdk@17", "JAVA_HOME"):
        assert part in said


def test_an_old_java_is_named_with_its_version(tmp_path: Path) -> None:
    path = put_java(tmp_path, "11.0.2")
    with pytest.raises(JavaMissingError, match="version 11"):
        find_java({"PATH": str(path.parent)})


def test_a_java_home_without_java_is_named(tmp_path: Path) -> None:
    with pytest.raises(JavaMissingError, match="does not run"):
        find_java({"JAVA_HOME": str(tmp_path / "nothing"), "PATH": str(tmp_path)})
