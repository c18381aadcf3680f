"""From the settings to a model, and to the service that spares it work.

In: the embedding section of the settings, and the folder of all local state. Out: an `Embedder`, a `VectorService`.
The trap: vectors of two revisions must never meet, so each revision has a disk cache of its own.
"""

import hashlib
from pathlib import Path

from streamapp.embedding.cache import DiskCache, MemoryCache
from streamapp.embedding.embedder import Embedder
from streamapp.embedding.light import LightEmbedder
from streamapp.embedding.model import MiniLM
from streamapp.embedding.service import VectorService
from streamapp.settings import EmbeddingSettings


def create_embedder(settings: EmbeddingSettings, home: Path) -> Embedder:
    """The model that the settings name. Raises ConfigurationError when it is not there; loads nothing heavy yet."""
    if settings.kind == "light":
        return LightEmbedder(home / "models", settings.corpus)
    return MiniLM(settings.model, settings.device, settings.precision, settings.batch_size)


def create_vectors(settings: EmbeddingSettings, home: Path, embedder: Embedder | None = None) -> VectorService:
    """The service over the model and its two caches; `embedder` replaces the one that the settings name."""
    embedder = embedder or create_embedder(settings, home)
    return VectorService(
        embedder,
        memory=MemoryCache(settings.memory_entries, embedder.dimension),
        disk=DiskCache(cache_folder(home, embedder.revision), embedder.dimension),
        batch_size=settings.batch_size,
    )


def cache_folder(home: Path, revision: str) -> Path:
    """Where the vectors of this model revision are kept on disk."""
    return home / "vectors" / hashlib.blake2b(revision.encode(), digest_size=8).hexdigest()
