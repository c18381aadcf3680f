"""Which store the settings mean."""

from pathlib import Path

from streamapp.settings import StoreSettings
from streamapp.store.edge import EdgeStore
from streamapp.store.store import VectorStore


def create_store(settings: StoreSettings, folder: Path) -> VectorStore:
    """A store that is not open yet; `folder` is where an embedded engine keeps its files."""
    return EdgeStore(folder, settings.timeout_seconds)
