"""The decoder's promises: no bytes make it raise, and what it says depends on what an event says, not on how."""

import json
from datetime import datetime
from random import Random

from hypothesis import example, given, settings
from hypothesis import strategies as st

from streamapp.events import Event, Reason
from streamapp.pipeline.decode import Rejected, Tombstone, _check_structure, create_decoder
from streamapp.settings import EVENT_FIELDS, EventSettings

THEIRS = {
    ours: f"{'deep.inside' if number % 2 else 'x'}.f{number}"
    for number, ours in enumerate(EVENT_FIELDS)
}  # fmt: skip
strict = create_decoder(EventSettings(contract="strict"))
lenient = create_decoder(EventSettings(contract="lenient"))
mapped = create_decoder(EventSettings(fields=THEIRS))
ALL = (strict, lenient, mapped)

many = settings(max_examples=300, deadline=None)
some = settings(max_examples=100, deadline=None)

# -- what events are made of -------------------------------------------------------------------------------------------

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
names = texts.filter(lambda text: text != "" and not text.isspace())
times = st.integers(946_684_800, 4_102_444_799) | st.floats(946_684_800, 4_102_444_799) | st.datetimes(
    min_value=datetime(2000, 1, 2), max_value=datetime(2099, 12, 30)
).map(lambda moment: moment.isoformat() + "+01:00")  # fmt: skip
products = st.fixed_dictionaries(
    {
        "id": names,
        "name": names,
        "description": texts,
        "category": texts,
        "price": st.integers(0, 1_000_000) | st.floats(0, 1_000_000),
    }
)
events = st.fixed_dictionaries(
    {
        "event_id": st.uuids().map(str),
        "timestamp": times,
        "user_id": names,
        "event_type": st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True),
        "product": products,
        "session_id": texts,
    }
)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
trees = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=20
)
documents = (events | trees | st.dictionaries(st.sampled_from([*EVENT_FIELDS, "product"]), trees)).map(
    lambda tree: json.dumps(tree).encode()
)


@st.composite
def mutated(draw):
    """An event or some JSON with a few bytes changed, left out, put in or doubled."""
    data = bytearray(draw(documents))
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(data)))
        span = draw(st.integers(0, 8))
        put = draw(
            st.binary(max_size=4)
            | st.sampled_from(
                [b'"', b"\\", b"\\u", b"\\ud800", b"{", b"}", b"[", b"]", b",", b":", b"NaN", b"1e999", b"\0"]
            )
            | st.just(bytes(data[place : place + 30]))
        )
        data[place : place + span] = put
    return bytes(data)


values = st.none() | st.binary(max_size=200) | documents | mutated()


def checked(decode, key, value):
    verdict = decode(key, value)
    assert isinstance(verdict, Event | Tombstone | Rejected)
    assert isinstance(verdict, Event) <= (value is not None)
    if isinstance(verdict, Rejected):
        assert isinstance(verdict.reason, Reason)
    return verdict


# -- promises ----------------------------------------------------------------------------------------------------------


@many
@given(st.none() | st.binary(max_size=40), values)
@example(b"k", b'"' + b'\\"' * 100_000)
@example(b"k", b"[" * 200_000)
@example(b"k", b'{"a":' * 40_000)
@example(b"k", b'{"timestamp":' + b"9" * 5_000 + b"}")
@example(b"k", b"1" * 200_000)
@example(b"k", b"1." + b"1" * 200_000)
@example(b"k", b'"' + b"\\" * 200_000)
@example(b"k", b'"' * 200_000)
def test_no_bytes_whatever_make_it_raise_and_it_says_the_same_twice(key, value):
    for decode in ALL:
        assert checked(decode, key, value) == checked(decode, key, value)


@many
@given(values)
def test_the_verdict_does_not_depend_on_who_decoded_what_before(value):
    before = strict(b"k", value)
    for decode in ALL:
        decode(b"k", b'{"event_id":')
        decode(b"k", b"[" * 1000)
    assert create_decoder(EventSettings(contract="strict"))(b"k", value) == before


@many
@given(documents | mutated())
def test_an_event_that_passes_the_fast_path_passes_the_slow_look_too(value):
    if isinstance(strict(b"k", value), Event):
        _check_structure(value)  # raises where a key stands twice, or it is too deep, or not UTF-8


@many
@given(events, st.data())
def test_a_key_twice_is_never_hidden(event, data):
    body = json.dumps(event).encode()
    where = data.draw(st.sampled_from([*event, *event["product"]]))
    again = json.dumps(data.draw(scalars)).encode()
    if where in event:
        body = body[:-1] + b"," + json.dumps(where).encode() + b":" + again + b"}"
    else:
        body = body.replace(b'"product": {', b'"product": {' + json.dumps(where).encode() + b":" + again + b",", 1)
    assert strict(b"k", body).reason is Reason.DUPLICATE_KEY


@some
@given(events, st.integers(65, 3_000), st.sampled_from(["[", '{"a":']), st.booleans())
def test_deep_nesting_is_never_hidden(event, depth, opening, first):
    deep = opening * depth + "1" + ("]" if opening == "[" else "}") * depth
    body = json.dumps(event)
    value = f'{{"x":{deep},{body[1:]}' if first else f'{body[:-1]},"x":{deep}}}'
    assert strict(b"k", value.encode()).reason is Reason.TOO_DEEP


@many
@given(events)
def test_an_event_comes_out_as_it_was_written(event):
    found = strict(b"k", json.dumps(event).encode())
    assert isinstance(found, Event)
    assert (found.event_id, found.user_id, found.event_type) == (
        event["event_id"],
        event["user_id"],
        event["event_type"],
    )
    product = event["product"]
    assert (found.product.id, found.product.name, found.product.description) == (
        product["id"],
        product["name"],
        product["description"],
    )
    assert (found.product.category, found.product.price) == (product["category"], float(product["price"]))
    assert found.session_id == event["session_id"]
    if not isinstance(event["timestamp"], str):
        assert found.timestamp == float(event["timestamp"])


@many
@given(events, st.dictionaries(texts, trees, max_size=4), st.dictionaries(texts, trees, max_size=3))
def test_extra_fields_change_nothing(event, outside, inside):
    plain = strict(b"k", json.dumps(event).encode())
    product = {name: tree for name, tree in inside.items() if name not in event["product"]} | event["product"]
    around = {name: tree for name, tree in outside.items() if name not in event} | event | {"product": product}
    assert strict(b"k", json.dumps(around).encode()) == plain


@many
@given(events, st.randoms(use_true_random=False), st.sampled_from([None, 1, "\t", " \n"]), st.booleans())
def test_order_white_space_and_escapes_do_not_matter(event, rng: Random, indent, ascii_only):
    shuffled = dict(rng.sample(list(event.items()), len(event)))
    shuffled["product"] = dict(rng.sample(list(event["product"].items()), 5))
    text = json.dumps(shuffled, indent=indent, ensure_ascii=ascii_only)
    assert strict(b"k", f" \r\n{text}\t".encode()) == strict(b"k", json.dumps(event).encode())


@many
@given(events)
def test_an_event_in_their_names_comes_out_like_one_in_ours(event):
    theirs: dict = {}
    for ours, path in THEIRS.items():
        value = event["product"][ours[8:]] if ours.startswith("product.") else event[ours]
        *parents, last = path.split(".")
        place = theirs
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = value
    assert mapped(b"k", json.dumps(theirs).encode()) == strict(b"k", json.dumps(event).encode())


@many
@given(events)
def test_whatever_is_strictly_an_event_is_one_leniently(event):
    value = json.dumps(event).encode()
    assert lenient(b"k", value) == strict(b"k", value)


@many
@given(mutated())
def test_whatever_strict_takes_lenient_takes_as_the_same(value):
    found = strict(b"k", value)
    if isinstance(found, Event):
        assert lenient(b"k", value) == found


@many
@given(st.none() | st.binary(max_size=1100))
def test_a_null_value_is_a_tombstone_or_a_bad_one(key):
    verdict = strict(key, None)
    assert (
        verdict == Tombstone(key.decode()) if isinstance(verdict, Tombstone) else verdict.reason is Reason.BAD_TOMBSTONE
    )
