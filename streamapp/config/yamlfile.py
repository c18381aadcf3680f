"""The settings file, read so that every value keeps its line.

In: a path. Out: pairs of dotted name and `Found`. What is not YAML is an error with file and line.
The trap: PyYAML's own messages repeat the text around a mistake, and with it a password; ours never do.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from streamapp.config.names import SECTIONS, Found
from streamapp.config.problems import WrongSettingsError
from streamapp.errors import ConfigurationError

_HINT = "A value that begins with one of * & ! @ % ` [ { or holds a colon and a space needs quotes around it."


def read_file(path: Path) -> list[tuple[str, Found]]:
    """Every setting written in a YAML file, in its order.

    Raises ConfigurationError when the file cannot be read or is not YAML, WrongSettingsError when a section is none.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigurationError(
            f"The settings file {path} cannot be read: {error.strerror}.", "Name another with --config FILE."
        ) from None
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path}: byte {error.start} is not text in UTF-8.", "Save it as UTF-8.") from None
    try:
        return list(_entries(path, text))
    except RecursionError:
        raise ConfigurationError(f"{path}: this is not YAML of settings: it nests too deeply.", _HINT) from None
    except yaml.YAMLError as error:
        # `from None`: the original error would print the line it stumbled over.
        raise ConfigurationError(f"{_where(path, text, error)}: this is not YAML: {_why(error)}.", _HINT) from None


def _entries(path: Path, text: str) -> Iterator[tuple[str, Found]]:
    loader = yaml.SafeLoader(text)
    try:
        root = loader.get_single_node()
        if root is not None and not _is_null(root):
            yield from _walk(path, loader, root, "")
    finally:
        loader.dispose()


def _walk(path: Path, loader: yaml.SafeLoader, node: yaml.Node, prefix: str) -> Iterator[tuple[str, Found]]:
    if not isinstance(node, yaml.MappingNode):
        what = f"{prefix.rstrip('.')} is a group of settings" if prefix else "a settings file holds groups of settings"
        raise WrongSettingsError([f"{path}:{_line(node)}: {what}, expected lines like `key: value` below it"])
    loader.flatten_mapping(node)
    for key, value in node.value:
        name = f"{prefix}{key.value if isinstance(key, yaml.ScalarNode) else '?'}"
        if name not in SECTIONS:
            yield name, Found(_constructed(loader, value), f"{path}:{_line(key)}")
        elif not _is_null(value):
            yield from _walk(path, loader, value, f"{name}.")


def _constructed(loader: yaml.SafeLoader, node: yaml.Node) -> Any:
    _refuse_twice(node)
    try:
        return loader.construct_object(node, deep=True)
    except ValueError:
        # PyYAML lets dates like 2026-13-45 and numbers of thousands of digits through to Python.
        raise yaml.MarkedYAMLError(
            problem="this value is not what it looks like", problem_mark=node.start_mark
        ) from None


def _refuse_twice(node: yaml.Node) -> None:
    """A key written twice inside a mapping setting; PyYAML would silently keep the last."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, _ in node.value:
            if str(key.value) in seen:
                raise yaml.MarkedYAMLError(problem="the same key stands here twice", problem_mark=key.start_mark)
            seen.add(str(key.value))


def _is_null(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _where(path: Path, text: str, error: yaml.YAMLError) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and (mark := error.problem_mark or error.context_mark):
        return f"{path}:{mark.line + 1}"
    if isinstance(error, yaml.reader.ReaderError):
        line = text.count("\n", 0, error.position) + 1
        return f"{path}:{line}"
    return str(path)


def _why(error: yaml.YAMLError) -> str:
    if isinstance(error, yaml.reader.ReaderError):
        return f"the character U+{int(error.character):04X} is not allowed"
    problem = getattr(error, "problem", None) or "it cannot be understood"
    # Names of aliases and tags are what a user wrote as a value: `password: *secret`.
    return re.sub(r"'[^'<][^']+'", "'…'", str(problem))
