"""The house keeps its order: who may import whom, which library enters by which door, and that names named exist.

Works on the text and the syntax tree of the files, so nothing has to run. A file that does not exist yet breaks no
rule; a new room has to be given its level here first.
"""

import ast
import re
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from streamapp.config.names import LEAVES, SECRET_FILES, env_name

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "streamapp"

LEVELS = (
    {"__main__", "audit", "cli", "demo", "demo_view", "doctor", "explain", "generate", "verbs", "worker"},
    {"app", "life", "local", "web", "deadletters"},
    {"pipeline", "search", "sources", "analytics"},
    {"embedding", "store", "kafka", "hotstore"},
    {"events", "settings", "errors", "metrics", "clock", "logs", "config", "running"},
)
"""From the roof down. A room knows only rooms of lower levels."""

KNOW_EACH_OTHER = (LEVELS[0], {"app", "life"}, {"app", "web"}, {"life", "web"}, LEVELS[-1])
"""Exceptions on one level: the verbs share flags, the app is built and run in two files and serves its web, the base
is one vocabulary."""

WEB_KNOWS = ("streamapp.pipeline.views", "streamapp.search")
"""All that the web may know of the rooms that work on events."""

WHOLE_SETTINGS = LEVELS[0] | {"app", "life", "local", "config", "settings"}
"""Who may hold the whole `Settings`, as they put rooms together; every other room gets its section."""

DOORS = {
    "torch": ("embedding/model.py",),
    "sentence_transformers": ("embedding/model.py",),
    "sklearn": ("embedding/light.py",),
    "qdrant_edge": ("store/*",),
    "qdrant_client": ("store/*",),
    "pyspark": ("analytics/*", "kafka/jars.py"),
    # Used before `logs` has set it up, structlog writes to stdout, where only results belong.
    "structlog": ("logs.py",),
    "yaml": ("config/yamlfile.py",),
    # kafka/clients.py: credentials are objects of faust.auth, whoever makes them.
    "faust": ("app.py", "worker.py", "pipeline/*", "kafka/transport.py", "kafka/tablestore.py", "kafka/clients.py"),
    "mode": ("app.py", "worker.py", "pipeline/*", "kafka/transport.py", "kafka/tablestore.py"),
}
"""One library, one door: the only files that may import it."""

MAX_LINES = 400

# Put together here, so that this file does not hold what it looks for.
MACHINE_PATHS = re.compile(r"(?<![\w.$}~-])/(?:" + "|".join(("work", "root", "tmp", r"home/\w+", "Users")) + r")/\w")
REGISTRIES = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("repo1", "maven", "org"),
        ("maven", "apache", "org"),
        ("maven", "google", "com"),
        ("npmjs", "org"),
        ("proxy", "golang", "org"),
        ("anaconda", "org"),
        ("crates", "io"),
    )
]

TEXT = {".py", ".md", ".toml", ".yml", ".yaml", ".json", ".lock", ".txt", ".html", ".css", ".js", ".sh", ".cfg", ""}
OWN_FOLDERS = ("streamapp", "tests", "benchmarks", "deploy", "monitoring", ".ci")


class Import(NamedTuple):
    """An import statement: the file it stands in, the module it names, the line, and whether it runs at import."""

    path: Path
    module: str
    line: int
    at_import: bool

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line} imports {self.module}"


def python_files(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def text_files() -> list[Path]:
    inside = [path for folder in OWN_FOLDERS for path in (ROOT / folder).rglob("*") if "__pycache__" not in path.parts]
    return sorted(path for path in [*inside, *ROOT.iterdir()] if path.is_file() and path.suffix in TEXT)


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def imports_of(path: Path) -> list[Import]:
    tree = ast.parse(read(path))
    late = {id(inner) for node in ast.walk(tree) if _runs_later(node) for inner in ast.walk(node)}
    return [
        Import(path, module, node.lineno, id(node) not in late) for node in ast.walk(tree) for module in _modules(node)
    ]


def _runs_later(node: ast.AST) -> bool:
    if isinstance(node, ast.If):
        return "TYPE_CHECKING" in ast.unparse(node.test)
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)


def _modules(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports are absolute here"
        # `from streamapp import metrics` names a module, `from streamapp.events import Event` a thing in one.
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


IMPORTS = [item for path in python_files("streamapp") for item in imports_of(path)]


def room_of_file(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def room_of_module(module: str) -> str | None:
    parts = module.split(".")
    known = len(parts) > 1 and parts[0] == "streamapp" and not parts[1].startswith("__")
    return parts[1] if known else None


def level_of(room: str) -> int:
    return next(number for number, rooms in enumerate(LEVELS) if room in rooms)


def may_know(item: Import) -> bool:
    mine, theirs = room_of_file(item.path), room_of_module(item.module)
    if theirs is None or mine == theirs:
        return True
    if mine == "web" and level_of(theirs) == level_of("pipeline"):
        return item.module.startswith(WEB_KNOWS)
    if level_of(mine) == level_of(theirs):
        return any({mine, theirs} <= friends for friends in KNOW_EACH_OTHER)
    return level_of(mine) < level_of(theirs)


def test_every_room_has_its_level() -> None:
    rooms = {room_of_file(path) for path in python_files("streamapp")} - {"__init__"}
    assert rooms <= set().union(*LEVELS)


@pytest.mark.parametrize(
    ("file", "module", "allowed"),
    [
        ("store/edge.py", "streamapp.errors.StreamappError", True),
        ("store/edge.py", "streamapp.kafka.topics", False),
        ("store/edge.py", "streamapp.pipeline.sink", False),
        ("logs.py", "streamapp.store.store", False),
        ("pipeline/sink.py", "streamapp.store.store", True),
        ("search/search.py", "streamapp.pipeline.views", False),
        ("web/tables.py", "streamapp.pipeline.views.Row", True),
        ("web/tables.py", "streamapp.pipeline.tables", False),
        ("app.py", "streamapp.pipeline.tables", True),
        ("app.py", "streamapp.verbs.config", False),
    ],
)
def test_the_rule_tells_up_from_down(file: str, module: str, allowed: bool) -> None:
    assert may_know(Import(PACKAGE / file, module, 1, at_import=True)) is allowed


def test_rooms_import_only_downward_and_do_not_know_their_neighbours() -> None:
    assert [str(item) for item in IMPORTS if not may_know(item)] == []


def test_each_library_enters_by_its_own_door() -> None:
    strangers = [
        str(item)
        for item in IMPORTS
        if (doors := DOORS.get(item.module.partition(".")[0]))
        and not any(fnmatch(item.path.relative_to(PACKAGE).as_posix(), door) for door in doors)
    ]
    assert strangers == []


def test_a_room_gets_its_section_of_the_settings_and_never_the_whole() -> None:
    whole = [item for item in IMPORTS if item.module == "streamapp.settings.Settings"]
    assert [str(item) for item in whole if room_of_file(item.path) not in WHOLE_SETTINGS] == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    modules = {module_name(path): path for path in python_files("streamapp")}
    graph: dict[str, set[str]] = {name: set() for name in modules}
    for item in IMPORTS:
        wanted = next((name for name in (item.module, item.module.rpartition(".")[0]) if name in modules), None)
        if wanted and item.at_import:
            graph[module_name(item.path)].add(wanted)
    while free := {name for name, wanted in graph.items() if not wanted & graph.keys()}:
        graph = {name: wanted for name, wanted in graph.items() if name not in free}
    assert graph == {}, "these wait for each other"


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def test_no_file_is_longer_than_a_reader_can_hold() -> None:
    files = python_files("streamapp", "tests", "benchmarks")
    lengths = {str(path.relative_to(ROOT)): len(read(path).splitlines()) for path in files}
    assert {name: length for name, length in lengths.items() if length > MAX_LINES} == {}


def test_every_module_says_what_it_is() -> None:
    files = python_files("streamapp", "benchmarks")
    assert [str(path.relative_to(ROOT)) for path in files if not ast.get_docstring(ast.parse(read(path)))] == []


def test_no_file_names_a_path_of_one_machine() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in text_files()
        for number, line in enumerate(read(path).splitlines(), start=1)
        if MACHINE_PATHS.search(line)
    ]
    assert found == []


def test_no_file_names_a_package_registry() -> None:
    found = [(str(path.relative_to(ROOT)), host) for path in text_files() for host in REGISTRIES if host in read(path)]
    assert found == []


# What is named outside the code.

OUTSIDE = [ROOT / name for name in ("README.md", "Makefile", "Procfile", "docker-compose.yml", ".ci/run")]


def code_in(path: Path) -> str:
    """What is meant for a machine: all of a file, or the code in Markdown, where prose may say "make sure"."""
    text = read(path)
    if path.suffix != ".md":
        return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    blocks = re.findall(r"^```.*?^```", text, re.MULTILINE | re.DOTALL)
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    return "\n".join([*blocks, *re.findall(r"`([^`\n]+)`", prose)])


def named(pattern: str, paths: list[Path]) -> dict[str, str]:
    """What `pattern` finds in those of `paths` that exist, and the file that names it."""
    return {name: path.name for path in paths if path.exists() for name in re.findall(pattern, code_in(path))}


def test_every_variable_that_is_named_exists() -> None:
    known = {env_name(name) for name in (*LEAVES, *SECRET_FILES)} | {"STREAMAPP_CONFIG"}
    mentioned = named(r"\bSTREAMAPP_[A-Z][A-Z0-9_]*[A-Z0-9]\b", [*OUTSIDE, *python_files("streamapp", "benchmarks")])
    assert {name: at for name, at in mentioned.items() if name not in known and "STREAMAPP_TEST_" not in name} == {}


def test_every_make_target_that_is_named_exists() -> None:
    makefile = ROOT / "Makefile"
    targets = re.findall(r"^([A-Za-z][\w.-]*)[^=:\n]*:(?!=)", read(makefile), re.MULTILINE) if makefile.exists() else []
    mentioned = named(r"\bmake ([a-z][\w-]*)", OUTSIDE) if makefile.exists() else {}
    assert {name: at for name, at in mentioned.items() if name not in targets} == {}


def test_every_verb_that_is_named_exists() -> None:
    from typer.main import get_command

    from streamapp.cli import app

    mentioned = named(r"\bstreamapp ([a-z][\w-]*)", OUTSIDE)
    assert {name: at for name, at in mentioned.items() if name not in get_command(app).commands} == {}


def test_every_line_of_the_procfile_starts_a_process_of_its_own() -> None:
    procfile = ROOT / "Procfile"
    lines = [line for line in read(procfile).splitlines() if line.strip()] if procfile.exists() else []
    processes = [line for line in lines if not line.startswith("#")]
    assert [line for line in processes if not re.match(r"\w+: .*\bstreamapp [a-z]", line)] == []


def test_every_workflow_and_compose_file_is_yaml() -> None:
    for path in (path for path in text_files() if path.suffix in {".yml", ".yaml"}):
        yaml.safe_load(read(path))
