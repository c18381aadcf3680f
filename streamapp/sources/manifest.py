"""The manifest: what a producer planted, line by line, so that an audit can prove what became of it.

In: records that Kafka has acknowledged. Out: one JSON array per line, the tag first; a header at the top, an end line
with the counts when the producer stopped in good order. The trap: a producer that was killed leaves no end line, and
may have delivered records that it could not note any more; `Manifest.complete` says so.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

import msgspec

from streamapp.errors import ConfigurationError
from streamapp.events import Product
from streamapp.sources.record import DeletionNote, DuplicateNote, EventNote, InvalidNote, Note, Record

FORMAT = 1


class Header(msgspec.Struct, array_like=True, tag="manifest", frozen=True):
    """Who planted what where."""

    format: int
    seed: int
    topic: str


class ProductNote(msgspec.Struct, array_like=True, tag="product", frozen=True):
    """One version of a product, noted before the first event that carries it."""

    product_id: str
    version: int
    name: str
    description: str
    category: str
    price: float


class End(msgspec.Struct, array_like=True, tag="end", frozen=True):
    """The producer stopped in good order; `unconfirmed` records may or may not be in the topic."""

    counts: dict[str, int]
    unconfirmed: int = 0


_Line = Header | ProductNote | EventNote | DuplicateNote | InvalidNote | DeletionNote | End
_encoder = msgspec.json.Encoder()


class ManifestWriter:
    """Writes a manifest while records are delivered; a context manager.

    `describe(product_id, version)` tells what a version says, as `Shop.describe` does.
    """

    def __init__(self, path: Path, *, seed: int, topic: str, describe: Callable[[str, int], Product]) -> None:
        self._describe = describe
        self._described: set[tuple[str, int]] = set()
        self._counts: Counter[str] = Counter()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("wb")
        self._file.write(_encoder.encode_lines([Header(FORMAT, seed, topic)]))
        self._unconfirmed = 0

    def add(self, records: Iterable[Record]) -> None:
        """Note records that were acknowledged; each call ends in the file, so that a kill costs little."""
        notes = [record.note for record in records if record.note is not None]
        lines: list[_Line] = []
        for note in notes:
            if isinstance(note, EventNote) and (note.product_id, note.version) not in self._described:
                lines.append(self._product(note.product_id, note.version))
            lines.append(note)
        self._counts.update(note.__struct_config__.tag for note in notes)  # type: ignore[misc]
        self._file.write(_encoder.encode_lines(lines))
        self._file.flush()

    def close(self, unconfirmed: int = 0) -> None:
        """Write the end line. `unconfirmed`: records that were sent and never acknowledged."""
        if not self._file.closed:
            self._file.write(_encoder.encode_lines([End(dict(self._counts), unconfirmed)]))
            self._file.close()

    def _product(self, product_id: str, version: int) -> ProductNote:
        self._described.add((product_id, version))
        product = self._describe(product_id, version)
        return ProductNote(
            product_id, version, product.name, product.description, product.category, product.price or 0.0
        )

    def __enter__(self) -> "ManifestWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            self._file.close()


class PlantedEvent(NamedTuple):
    """What must be found of a valid event."""

    product_id: str
    version: int
    timestamp: float


class Manifest:
    """A manifest as an audit reads it, all in memory: about 300 bytes per event."""

    def __init__(self, seed: int, topic: str) -> None:
        self.seed = seed
        self.topic = topic
        self.complete = False
        """The producer stopped in good order."""
        self.unconfirmed = 0
        """Records whose fate the producer does not know."""
        self.events: dict[str, PlantedEvent] = {}
        """Every valid event by id, those that a tombstone deletes included."""
        self.late = 0
        self.duplicates: Counter[str] = Counter()
        """How often an event came again, by its id."""
        self.invalid: Counter[tuple[str, str, str | None]] = Counter()
        """How often this (SHA-256 of the value, reason, key) was planted."""
        self.deleted: set[str] = set()
        self.products: dict[tuple[str, int], ProductNote] = {}
        """What each version of each product says."""

    @property
    def records(self) -> int:
        """How many records were delivered in all."""
        return len(self.events) + self.duplicates.total() + self.invalid.total() + len(self.deleted)

    def counts(self) -> dict[str, int]:
        """Records by sort."""
        return {
            "event": len(self.events),
            "duplicate": self.duplicates.total(),
            "invalid": self.invalid.total(),
            "deletion": len(self.deleted),
        }

    def expected(self, event_id: str) -> ProductNote:
        """The product, in the version that the point of this event must show."""
        event = self.events[event_id]
        return self.products[event.product_id, event.version]

    def newest(self) -> dict[str, ProductNote]:
        """By product id: the version of the product's newest event. Deleted events count, they were seen too."""
        newest: dict[str, PlantedEvent] = {}
        for event in self.events.values():
            known = newest.get(event.product_id)
            if known is None or event.timestamp > known.timestamp:
                newest[event.product_id] = event
        return {product_id: self.products[product_id, event.version] for product_id, event in newest.items()}

    @classmethod
    def read(cls, path: Path) -> "Manifest":
        """Read a manifest. Raises ConfigurationError when the file is none; a torn last line is left out."""
        lines = _lines(path)
        header = next(lines, None)
        if not isinstance(header, Header) or header.format != FORMAT:
            raise ConfigurationError(
                f"{path} is not a manifest of this version of streamapp.",
                "Give the file that `streamapp generate shop --manifest` wrote.",
            )
        manifest = cls(header.seed, header.topic)
        for line in lines:
            manifest._add(line)
        return manifest

    def _add(self, line: "_Line") -> None:
        match line:
            case EventNote(event_id, product_id, version, timestamp, late):
                self.events[event_id] = PlantedEvent(product_id, version, timestamp)
                self.late += late
            case DuplicateNote(event_id):
                self.duplicates[event_id] += 1
            case InvalidNote(sha256, reason, key):
                self.invalid[sha256, reason, key] += 1
            case DeletionNote(event_id):
                self.deleted.add(event_id)
            case ProductNote():
                self.products[line.product_id, line.version] = line
            case End():
                self.complete, self.unconfirmed = True, line.unconfirmed


def _lines(path: Path) -> Iterator[_Line]:
    decode = msgspec.json.Decoder(_Line).decode
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if not line.endswith(b"\n"):
                    return
                try:
                    yield decode(line)
                except msgspec.MsgspecError as error:
                    raise ConfigurationError(
                        f"{path}, line {number}, is not a manifest's line: {error}.",
                        "Give the file that `streamapp generate shop --manifest` wrote.",
                    ) from error
    except OSError as error:
        raise ConfigurationError(
            f"The manifest {path} cannot be read: {error.strerror}.", "Check the path and its permissions."
        ) from error


__all__ = ["Manifest", "ManifestWriter", "Note", "PlantedEvent", "ProductNote"]
