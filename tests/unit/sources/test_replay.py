import gzip
import sys

import pytest

from streamapp.errors import ConfigurationError
from streamapp.sources.replay import replay_lines

LINES = b'{"user_id": "u1",  "x": 1}\r\n\n  \nnot json\n{"user_id": 5}\n\xff\xfe\n{"user_id": ""}'


def test_lines_pass_through_untouched_keyed_by_user_where_there_is_one(tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_bytes(LINES)
    records = [(record.key, record.value) for record in replay_lines(path)]
    assert records == [
        (b"u1", b'{"user_id": "u1",  "x": 1}'),
        (None, b"not json"),
        (b"5", b'{"user_id": 5}'),
        (None, b"\xff\xfe"),
        (None, b'{"user_id": ""}'),
    ]


def test_a_compressed_file_gives_the_same_records(tmp_path):
    (tmp_path / "plain").write_bytes(LINES)
    (tmp_path / "events.jsonl.gz").write_bytes(gzip.compress(LINES))
    assert list(replay_lines(tmp_path / "events.jsonl.gz")) == list(replay_lines(tmp_path / "plain"))


def test_a_dash_reads_standard_input(tmp_path, monkeypatch):
    path = tmp_path / "events.jsonl"
    path.write_bytes(LINES)
    with path.open() as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        assert len(list(replay_lines("-"))) == 5


@pytest.mark.parametrize("content", [b"no gzip at all", gzip.compress(LINES)[:-12]])
def test_broken_compression_is_named(tmp_path, content):
    path = tmp_path / "events.gz"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        list(replay_lines(path))
    assert str(path) in caught.value.message
    assert caught.value.hint


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot be read"):
        list(replay_lines(tmp_path / "none"))
