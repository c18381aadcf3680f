"""Records as a whole: good ones, and those that are no event at all."""

import json
from collections.abc import Iterator

from corpus.line import ID, SECONDS, Entry, Raw, entry, event, fields, write


def good() -> Iterator[Entry]:
    """Events as they should be, and as they may be."""
    yield fields("plain", "event", out={"timestamp": SECONDS, "price": 89.9, "product_id": "P-10001"})
    yield entry("pretty-printed", "event", json.dumps(event(), indent=4).encode())
    yield entry("space around", "event", b" \t\r\n" + write(event()).encode() + b"\n\n")
    yield entry("no key", "event", write(event()).encode(), key=None)
    yield entry("key that is not UTF-8", "event", write(event()).encode(), key=b"\xff\x00")
    yield entry("keys reversed", "event", write(dict(reversed(event().items()))).encode())
    yield entry("key names escaped", "event", write(event()).replace('"user_id"', '"user\\u005fid"').encode())
    yield fields("upper-case UUID", "event", event_id=ID.upper())
    yield fields("nil UUID", "event", event_id="00000000-0000-0000-0000-000000000000")
    for kind in ("add_to_cart", "purchase", "wishlist", "x", "v" * 64, "step_2"):
        yield fields(f"type {kind[:20]}", "event", event_type=kind)
    for name, extra in {
        "number": 1,
        "null": Raw("null"),
        "object": {"a": {"b": [1, 2, {"c": "d"}]}},
        "array": [[], [[]], [1]],
        "text": 'quotes " and \\ and {[ in it',
        "huge integer": Raw("9" * 5000),
        "1e9999": Raw("1e9999"),
        "depth 63": Raw("[" * 63 + "]" * 63),
        "boolean": True,
        "empty text": "",
        "event again": event(),
    }.items():
        yield fields(f"extra field: {name}", "event", extra=extra)
        yield fields(f"extra field in the product: {name}", "event", product_extra=extra if name != "depth 63" else 63)
    yield fields("extra field with an empty name", "event", **{"": 1})
    yield fields("extra field that differs in case", "event", USER_ID="someone")


def structure() -> Iterator[Entry]:
    """What is no event at all."""
    body = write(event()).encode()
    yield entry("empty value", "empty", b"")
    yield entry("empty value, no key", "empty", b"", key=None)
    for name, text in {
        **{name: name for name in ("[]", "null", "true", "42", "-1.5e3", '"event"', '""', "[{}]", "[[[]]]")},
        "an event in an array": f"[{write(event())}]",
        "an event in a text": json.dumps(write(event())),
    }.items():
        yield entry(name, "not_an_object", text.encode())
    for name, data in {
        **{repr(text): text.encode() for text in (" ", "\n", "hello", "{", "}", "[", '"', "{]", "{}}", "nul", "NaN")},
        **{repr(text): text.encode() for text in ("{'a':1}", '{"a"}', '{"a":}', '{"a":1,}', "{,}", "{a:1}", "[1,]")},
        "markup": b"<event/>",
        "a key and a value": b"user_id=1&x=2",
        "two events": body + body,
        "two lines": body + b"\n" + body,
        "event and NUL": body + b"\0",
        "NUL alone": b"\0",
        "form feed before": b"\x0c" + body,
        "byte order mark before": b"\xef\xbb\xbf" + body,
        "comment before": b"/* hi */" + body,
        "comment after": body + b" // hi",
        "cut in half": body[: len(body) // 2],
        "cut by one": body[:-1],
        "cut inside an escape": b'{"event_id":"\\u12',
        "trailing comma": body[:-1] + b",}",
        "single quotes": body.replace(b'"', b"'"),
        "raw newline in a text": body.replace(b"Sonora", b"So\nnora"),
        "raw control in a text": body.replace(b"Sonora", b"So\x01nora"),
        "raw NUL in a text": body.replace(b"Sonora", b"So\x00nora"),
        "unknown escape": body.replace(b"Sonora", b"So\\xnora"),
        "short escape": body.replace(b"Sonora", b"So\\u12nora"),
        "raw control in an extra field": body[:-1] + b',"x":"\x01"}',
        "NaN in an extra field": body[:-1] + b',"x":NaN}',
        "bad number in an extra field": body[:-1] + b',"x":01}',
        "bad literal in an extra field": body[:-1] + b',"x":True}',
    }.items():
        yield entry(f"not JSON: {name}", "not_json", data)
    yield entry("100,000 escaped quotes", "not_json", b'"' + b'\\"' * 100_000)
    for name, data in {
        "stray bytes": b"\xff\xfe\x00\x80",
        "latin-1 name": write(event(product_name="Cafetière")).encode("latin-1"),
        "latin-1 in an extra field": body[:-1] + b',"x":"\xe9"}',
        "latin-1 in an extra key": body[:-1] + b',"\xe9":1}',
        "UTF-16": write(event()).encode("utf-16"),
        "surrogate bytes": body.replace(b"Sonora", b"\xed\xa0\x80"),
        "overlong": body.replace(b"Sonora", b"\xc0\xaf"),
        "beyond Unicode": body.replace(b"Sonora", b"\xf4\x90\x80\x80"),
        "cut inside a character": write(event(product_name="語")).encode().partition("語".encode()[2:])[0],
        "gzip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00",
    }.items():
        yield entry(f"not UTF-8: {name}", "not_utf8", data)
    for depth in (65, 200):
        yield fields(f"array of depth {depth}", "too_deep", extra=Raw("[" * depth + "]" * depth))
        yield fields(f"object of depth {depth}", "too_deep", extra=Raw('{"a":' * depth + "1" + "}" * depth))
        yield fields(f"array of depth {depth} as price", "too_deep", product_price=Raw("[" * depth + "]" * depth))
    yield entry("arrays of depth 65 alone", "too_deep", b"[" * 65 + b"]" * 65)
    yield entry("depth 100,000", "too_deep", body[:-1] + b',"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}")
    yield entry("100,000 brackets that are never closed", "too_deep", b"[" * 100_000)
    for name, twice in {
        "key twice": body[:-1] + b',"user_id":"someone-else"}',
        "key twice with the same value": body[:-1] + b',"user_id":"user-00042"}',
        "timestamp twice, text and number": body[:-1] + b',"timestamp":1748779200}',
        "product twice": body[:-1] + b',"product":' + write(event()["product"]).encode() + b"}",
        "key of the product twice": body.replace(b'"product":{', b'"product":{"name":"Other",'),
        "key twice, once escaped": body[:-1] + b',"user\\u005fid":"x"}',
        "extra key twice": body[:-1] + b',"x":1,"x":2}',
        "key of an extra field twice": body[:-1] + b',"x":{"a":1,"a":1}}',
        "key twice deep in an array": body[:-1] + b',"x":[[{"a":1,"a":1}]]}',
    }.items():
        yield entry(name, "duplicate_key", twice)


def shapes() -> Iterator[Entry]:
    """Fields that are missing, or of another type."""
    everywhere = ("event_id", "timestamp", "user_id", "event_type", "session_id", "product")
    inside = ("product_id", "product_name", "product_description", "product_category", "product_price")
    for name in (*everywhere, *inside):
        yield fields(f"no {name}", "missing_field", **{name: None})
    yield entry("no field at all", "missing_field", b"{}")
    yield entry("only other fields", "missing_field", b'{"hello":"world"}')
    yield fields("fields in other case", "missing_field", user_id=None, User_Id="user-00042")
    wrong = {"null": "null", "true": "true", "number": "4711", "array": "[]", "object": "{}", "texts": '["a","b"]'}
    for name in ("event_id", "user_id", "event_type", "session_id", *inside[:4]):
        for kind, raw in wrong.items():
            yield fields(f"{kind} as {name}", "wrong_type", **{name: Raw(raw)})
    for kind, raw in (wrong | {"text": '"P-10001"'}).items():
        yield fields(f"{kind} as product", "missing_field" if kind == "object" else "wrong_type", product=Raw(raw))
    for text in ("1", "event-number-one", ID[:-1], ID + "0", ID.replace("-", ""), f"{{{ID}}}", f"urn:uuid:{ID}",
                 ID[:-2] + "xx", ID.replace("-", "_"), f" {ID[1:]}", ID[:-2] + "  ", "\uff18" + ID[1:]):  # fmt: skip
        yield fields(f"event id {text!r}", "bad_event_id", event_id=text)
    for text in ("PAGE_VIEW", "Page_view", "page view", "page-view", "page.view", " page_view", "page_view\n", "1view",
                 "_view", "", " ", "v" * 65, "größe", "view\u0301", "p\u0430ge_view"):  # fmt: skip
        yield fields(f"event type {text[:20]!r}", "bad_event_type", event_type=text)


def sizes_and_tombstones() -> Iterator[Entry]:
    """Records that are large, and null values."""
    head, _, tail = write(event(product_description="#")).encode().partition(b"#")
    room = 262_144 - len(head) - len(tail)
    yield entry("a byte over the size limit", "too_large", head + b"x" * (room + 1) + tail)
    yield entry("at the size limit, the text too long", "text_too_long", head + b"x" * room + tail)
    yield entry("a text of 1 MB", "too_large", head + b"x" * 1_000_000 + tail)
    yield entry("1 MB of spaces", "too_large", b" " * 1_000_000)
    yield entry("at the size limit by space", "event", write(event()).encode() + b" " * 261_000)
    yield entry("20,000 escaped characters", "event", head + b"\\u0041" * 10_000 + tail)
    for name, key in {"an event id": ID, "a user": "user-00042", "text": "größe", "1,024 bytes": "u" * 1024}.items():
        for contract in ("strict", "lenient"):
            yield entry(
                f"null value, the key is {name}, {contract}", "tombstone", None, key=key.encode(), contract=contract
            )
    for name, bad in {
        "no": None,
        "an empty": b"",
        "a long": b"u" * 1025,
        "a broken": b"\xff",
        "a cut": b"\xe8\xaa",
    }.items():
        yield entry(f"null value and {name} key", "bad_tombstone", None, key=bad)
