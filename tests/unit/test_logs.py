"""Logs: on stderr, in the shape that was asked for, without an event's content."""

import io
import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import faust
import pytest
import structlog

from streamapp.logs import CONTENT, REPEAT_SECONDS, Seldom, get_logger, logging_config, set_level, setup_logs
from streamapp.settings import LogSettings


class Terminal(io.StringIO):
    """A stderr that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _put_logging_back() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    logging.captureWarnings(False)


Captured = pytest.CaptureFixture[str]


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_away_from_a_terminal_each_line_is_a_json_object_on_stderr(capsys: Captured) -> None:
    setup_logs(LogSettings())
    get_logger("streamapp.test").info("batch done", partition=3)
    out, err = capsys.readouterr()
    (line,) = lines(err)
    assert out == ""
    assert line.pop("timestamp").endswith("Z")
    assert line == {"message": "batch done", "level": "info", "logger": "streamapp.test", "partition": 3}


def test_on_a_terminal_lines_are_for_people(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("NO_COLOR", "1")
    setup_logs(LogSettings())
    get_logger("streamapp.test").warning("batch %s done", 7, partition=3)
    assert "[warning  ] batch 7 done" in stream.getvalue()
    assert "partition=3" in stream.getvalue()
    assert "\x1b" not in stream.getvalue()


def test_the_format_can_be_forced(capsys: Captured) -> None:
    setup_logs(LogSettings(format="console"))
    get_logger("streamapp.test").info("for people")
    assert not capsys.readouterr().err.startswith("{")


def test_an_events_content_is_withheld(capsys: Captured) -> None:
    setup_logs(LogSettings())
    content = dict.fromkeys(CONTENT, "private")
    get_logger("streamapp.test").error("rejected", raw=b"private", reason="not_json", **content)
    err = capsys.readouterr().err
    (line,) = lines(err)
    assert "private" not in err
    assert (line["value"], line["raw"], line["reason"]) == ("(withheld)", "(7 bytes)", "not_json")


@pytest.mark.parametrize("form", ["console", "json"])
def test_a_traceback_holds_no_local_variables(capsys: Captured, form: Any) -> None:
    setup_logs(LogSettings(format=form))
    private = "priv" + "ate"
    try:
        raise ValueError(len(private))
    except ValueError:
        get_logger("streamapp.test").exception("failed")
    err = capsys.readouterr().err
    assert "ValueError: 7" in err
    assert "private" not in err.replace("len(private)", "")


def test_libraries_speak_from_warning_on_and_in_our_shape(capsys: Captured) -> None:
    setup_logs(LogSettings())
    logging.getLogger("aiokafka.consumer").info("noise")
    logging.getLogger("faust.app").warning("lost %s", "it")
    (line,) = lines(capsys.readouterr().err)
    assert (line["message"], line["level"], line["logger"]) == ("lost it", "warning", "faust.app")


def test_the_level_can_change_at_run_time(capsys: Captured) -> None:
    setup_logs(LogSettings(level="warning"))
    log = get_logger("streamapp.test")
    log.info("not heard")
    set_level("debug")
    log.debug("heard")
    logging.getLogger("aiokafka").debug("a record would stand here")
    set_level("error")
    log.warning("not heard")
    assert [line["message"] for line in lines(capsys.readouterr().err)] == ["heard"]


def test_a_logger_made_before_the_setup_follows_it(capsys: Captured) -> None:
    early = get_logger("streamapp.early")
    setup_logs(LogSettings(format="json"))
    early.info("once")
    setup_logs(LogSettings(format="json", level="error"))
    early.info("not heard")
    assert [line["message"] for line in lines(capsys.readouterr().err)] == ["once"]


def test_before_the_setup_nothing_reaches_stdout(capsys: Captured) -> None:
    get_logger("streamapp.early").error("something")
    assert capsys.readouterr().out == ""


def test_bound_context_is_in_every_line(capsys: Captured) -> None:
    setup_logs(LogSettings(format="json"))
    with structlog.contextvars.bound_contextvars(worker="worker-1"):
        get_logger("streamapp.test").info("hello")
        logging.getLogger("streamapp.plain").info("hello")
    assert [line["worker"] for line in lines(capsys.readouterr().err)] == ["worker-1", "worker-1"]


def test_warnings_become_log_lines(capsys: Captured) -> None:
    setup_logs(LogSettings(format="json"))
    logging.getLogger("py.warnings").warning("old way")
    assert lines(capsys.readouterr().err)[0]["logger"] == "py.warnings"


def test_fausts_worker_leaves_our_logging_alone_when_it_is_told_to(capsys: Captured) -> None:
    settings = LogSettings(format="json")
    setup_logs(settings)
    app = faust.App("logs", logging_config=logging_config(settings), worker_redirect_stdouts=False, autodiscover=False)
    worker = faust.Worker(app, override_logging=False, redirect_stdouts=False, stdout=sys.stderr, quiet=True)
    worker.spinner = None
    capsys.readouterr()  # the spinner hides the cursor as soon as it is made
    get_logger("streamapp.test").info("still ours")
    assert [line["message"] for line in lines(capsys.readouterr().err)] == ["still ours"]
    assert logging.getLogger().level == logging.INFO


def test_a_library_says_the_same_thing_only_once_in_a_while() -> None:
    now = [0.0]
    seldom = Seldom(lambda: now[0])

    def passes(name: str, message: str) -> bool:
        return seldom.filter(logging.LogRecord(name, logging.ERROR, "", 0, message, (), None))

    assert passes("aiokafka.conn", "Unable connect to node")
    assert not passes("aiokafka.conn", "Unable connect to node")
    assert passes("aiokafka.conn", "something else")
    assert passes("streamapp.life", "ours")
    assert passes("streamapp.life", "ours")
    now[0] = REPEAT_SECONDS
    assert passes("aiokafka.conn", "Unable connect to node")
