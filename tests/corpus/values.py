"""What fields may hold: texts, times and prices of every kind."""

from collections.abc import Iterator

from corpus.line import SECONDS, TIME, Entry, Raw, entry, event, fields, write


def texts() -> Iterator[Entry]:
    """Texts of every kind, in every field that takes any."""
    free = ("user_id", "session_id", "product_id", "product_name", "product_description", "product_category")
    kinds = {
        "umlauts": "Größe für Möbel",
        "Chinese": "无线耳机",
        "Arabic, right to left": "سماعات لاسلكية",
        "emoji": "👩🏽‍🚀 kit",
        "combining": "e\u0301",
        "zero width": "a\u200bb",
        "byte order mark inside": "a\ufeffb",
        "private use": "\ue000",
        "highest code point": "\U0010ffff",
        "line separators": "a\u2028b\u2029c",
        "quotes and slashes": 'say "hi" \\ / \b\f\n\r\t',
        "looks like markup": "<script>alert(1)</script>",
        "looks like SQL": "'; DROP TABLE events; --",
        "looks like JSON": '{"user_id":"x","user_id":"y"}',
        "delete character": "a\x7fb",
        "escape character": "a\x1bb",
        "20,000 characters": "x" * 20_000,
    }
    for kind, text in kinds.items():
        for name in free if len(text) < 100 else ("product_description",):
            yield fields(f"{kind} in {name}", "event", out={name.removeprefix("product_") if name != "product_id"
                         else "product_id": text} if len(text) < 100 else None, **{name: text})  # fmt: skip
    for name in ("product_description", "product_category", "session_id"):
        yield fields(f"empty {name}", "event", **{name: ""})
        yield fields(f"blank {name}", "event", **{name: "  "})
    yield fields("escaped pair", "event", product_name=Raw('"\\ud83d\\ude00"'), out={"name": "😀"})
    for name in ("event_id", "user_id", "product_id", "product_name"):
        for kind, text in {"empty": "", "blank": "   ", "tabs": "\t\n", "wide space": "\u3000"}.items():
            yield fields(f"{kind} {name}", "empty_field", **{name: text})
    for name in (*free, "event_id", "event_type"):
        yield fields(f"NUL in {name}", "bad_character", **{name: Raw('"a\\u0000b"')})
        for kind, half in {"high": "\\ud800", "low": "\\udc00", "reversed pair": "\\ude00\\ud83d"}.items():
            yield fields(f"{kind} surrogate in {name}", "bad_character", **{name: Raw(f'"a{half}b"')})
    for name, place in {"first": 0, "last": 1}.items():
        for half in ("\\ud800", "\\udfff", "\\ud800\\ud800", "\\ud800\\u0041", "\\ud800\\n"):
            extra = f'"x":"{half}"'
            text = write(event())
            text = f"{text[:-1]},{extra}}}" if place else f"{{{extra},{text[1:]}"
            yield entry(f"{half} in an extra field, {name}", "bad_character", text.encode())
    for name in free:
        yield fields(f"20,001 characters in {name}", "text_too_long", **{name: "y" * 20_001})
        yield fields(f"20,001 wide characters in {name}", "text_too_long", **{name: "語" * 20_001})


def times() -> Iterator[Entry]:
    """Timestamps in every shape."""
    for shape, seconds in {
        TIME: SECONDS,
        "2025-06-01T12:00:00+00:00": SECONDS,
        "2025-06-01T12:00:00-00:00": SECONDS,
        "2025-06-01T14:00:00+02:00": SECONDS,
        "2025-06-01T17:30:00+05:30": SECONDS,
        "2025-05-31T12:01:00-23:59": SECONDS,
        "2025-06-01T12:00:00.5Z": SECONDS + 0.5,
        "2025-06-01T12:00:00.250000Z": SECONDS + 0.25,
        "2025-06-01t12:00:00z": SECONDS,
        "2025-06-01 12:00:00Z": SECONDS,
        "2024-02-29T00:00:00Z": 1_709_164_800.0,
        "2000-01-01T00:00:00Z": 946_684_800.0,
        "2099-12-31T23:59:59Z": 4_102_444_799.0,
    }.items():
        yield fields(f"time {shape}", "event", timestamp=shape, out={"timestamp": seconds})
    for number in ("1748779200", "1748779200.5", "1.7487792e9", "1748779200.000001", "946684800", "4102444799.999"):
        yield fields(f"epoch {number}", "event", timestamp=Raw(number), out={"timestamp": float(number)})
    for text in (
        *("", " ", "now", "yesterday", "2025", "2025-06", "2025-06-01", "12:00:00Z", "1748779200", "1748779200.5"),
        *("2025-06-01T12:00:00", "2025-06-01T12:00:00.123", "2025-06-01 12:00:00", "2025-06-01T12:00Z"),
        *("2025-02-30T12:00:00Z", "2025-13-01T12:00:00Z", "2025-00-10T12:00:00Z", "2025-06-31T12:00:00Z"),
        *("2025-06-01T24:00:00Z", "2025-06-01T12:60:00Z", "2025-06-01T12:00:61Z", "2023-02-29T12:00:00Z"),
        *(" 2025-06-01T12:00:00Z", "2025-06-01T12:00:00Z ", "2025-06-01T12:00:00 UTC", "01/06/2025 12:00"),
        *("Sun, 01 Jun 2025 12:00:00 GMT", "2025-W22-7T12:00:00Z", "20250601T120000Z", "+2025-06-01T12:00:00Z"),
        *("12025-06-01T12:00:00Z", "2025-06-01T12:00:00+24:00", "\uff12025-06-01T12:00:00Z", "null", "NaN", "Infinity"),
    ):
        yield fields(f"time {text!r}", "bad_timestamp", timestamp=text)
    for text in (
        *("1970-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "1999-12-31T23:59:59Z", "2100-01-01T00:00:00Z"),
        *("9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"),
        *("2000-01-01T00:00:00+00:01", "2099-12-31T23:59:59-00:01"),
    ):
        yield fields(f"time {text}", "timestamp_out_of_range", timestamp=text)
    for number in (
        *("0", "-0", "1", "-1", "946684799", "946684799.9", "4102444800", "1748779200000", "1748779200000000"),
        *("1748779200000000000", "1e300", "-1e300", "1e999", "-1e999", "1e-300", "9" * 30, "9" * 400, "-" + "9" * 400),
        *("9223372036854775808", "18446744073709551616"),
    ):
        yield fields(f"epoch {number[:40]}", "timestamp_out_of_range", timestamp=Raw(number))
    for name, wrong in {"null": "null", "true": "true", "false": "false", "array": "[]", "object": "{}"}.items():
        yield fields(f"time {name}", "wrong_type", timestamp=Raw(wrong))


def prices() -> Iterator[Entry]:
    """Prices from nothing to absurd."""
    for number in (
        "0",
        "0.0",
        "-0.0",
        "0.01",
        "1",
        "19.99",
        "1e3",
        "1E+3",
        "1e-7",
        "999999.99",
        "1000000",
        "1000000.0",
    ):
        yield fields(f"price {number}", "event", product_price=Raw(number), out={"price": float(number)})
    yield fields("price of 40 digits", "event", product_price=Raw("0." + "1" * 40))
    for number in (
        *("-1", "-0.01", "-1e-300", "1000000.01", "1e7", "1e12", "1e308", "1e999", "-1e999", "9" * 30, "9" * 400),
        *("9223372036854775807", "9223372036854775808", "18446744073709551616", "-9223372036854775809"),
    ):
        yield fields(f"price {number[:40]}", "price_out_of_range", product_price=Raw(number))
    for name, wrong in {
        **{name: name for name in ("null", "true", "false", "[]", "{}", "[1]")},
        **{f"text {text!r}": f'"{text}"' for text in ("", "19.99", "NaN", "free", "1e3", "€5")},
    }.items():
        yield fields(f"price {name}", "wrong_type", product_price=Raw(wrong))
    for name in (
        "NaN",
        "Infinity",
        "-Infinity",
        "nan",
        "inf",
        "01",
        "1.",
        ".5",
        "+1",
        "1e",
        "0x10",
        "1_000",
        "1,5",
        "--1",
    ):
        yield fields(f"price {name}", "not_json", product_price=Raw(name))
