"""MiniLM, or any other sentence-transformers model: the only door to torch and sentence_transformers.

In: texts. Out: unit vectors, float32. Works without a network: the weights of all-MiniLM-L6-v2 come from a package,
those of other models from a folder or from what Hugging Face's tools have fetched before.
The trap: importing torch takes seconds, so nothing here imports it before a first text must really be embedded.
"""

import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np

from streamapp.embedding.embedder import Vectors, is_unit, normalised
from streamapp.embedding.model_files import BUNDLED, declared_dimension, digest_of, find_model, stay_offline
from streamapp.errors import ConfigurationError
from streamapp.logs import get_logger

log = get_logger(__name__)

Precision = Literal["float32", "bfloat16"]
Device = Literal["auto", "cpu", "cuda"]

CPU_BATCH = 64
"""Texts per forward pass on a CPU: 16 to 64 were equally fast, 128 up to a third slower (out of the cache)."""


class Encoder(Protocol):
    """A loaded model on one device."""

    device: str

    def encode(self, texts: Sequence[str], batch_size: int) -> Vectors:
        """Raw vectors in the order of the texts, float32, not yet normalised."""


Load = Callable[[Path, str, Precision], Encoder]
"""Brings the model of a folder to a device, as `load_encoder` does."""


class MiniLM:
    """A sentence-transformers model, loaded when the first text comes.

    Raises ConfigurationError when the model is not on this machine, asks for a GPU that is not there, or answers with
    vectors that are none. When the GPU fails while it works, the CPU takes over for good, with one warning.
    """

    def __init__(
        self, model: str = BUNDLED, device: Device = "auto", precision: Precision = "float32", batch_size: int = 256,
        load: Load | None = None,
    ) -> None:  # fmt: skip
        self.batch_size = batch_size
        """Texts per forward pass on a GPU; may be changed at any time."""
        self._load_encoder = load or load_encoder
        self._device, self._precision = device, precision
        self._folder = find_model(model)
        self.revision = f"{Path(model).name}:{digest_of(self._folder)}:{precision}"
        self._dimension = declared_dimension(self._folder)
        self._encoder: Encoder | None = None
        self._lock = threading.Lock()

    @property
    def dimension(self) -> int:
        """The length of a vector, from the model's files where they say it."""
        if self._dimension is None:
            self._dimension = self._loaded().encode(["dimension"], 1).shape[1]
        return self._dimension

    @property
    def device(self) -> str:
        """The device the model is on; empty while it is not loaded."""
        return self._encoder.device if self._encoder else ""

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See `Embedder.embed`. Calls from several threads run side by side."""
        if not texts:
            return np.empty((0, self.dimension), np.float32)
        encoder, readable = self._loaded(), [_readable(text) for text in texts]
        try:
            return normalised(self._encode(encoder, readable))
        except Exception as error:  # whatever a driver raises; what is not the GPU's fault goes on as it is
            if not is_gpu_failure(error, encoder.device):
                raise
            return normalised(self._encode(self._fallen_back(encoder, error), readable))

    def _encode(self, encoder: Encoder, texts: Sequence[str]) -> Vectors:
        size = self.batch_size if encoder.device != "cpu" else min(self.batch_size, CPU_BATCH)
        return encoder.encode(texts, size)

    def _loaded(self) -> Encoder:
        with self._lock:
            if self._encoder is None:
                self._encoder = self._load(self._device)
            return self._encoder

    def _load(self, device: str) -> Encoder:
        try:
            encoder = self._load_encoder(self._folder, device, self._precision)
            self._probe(encoder)
        except Exception as error:  # a driver may fail in any way while weights move to the GPU
            if device != "auto" or not is_gpu_failure(error, "cuda"):
                raise
            log.warning("embedding.gpu_failed", error=str(error), next="the model runs on the CPU")
            encoder = self._load_encoder(self._folder, "cpu", self._precision)
            self._probe(encoder)
        log.info("embedding.model_loaded", revision=self.revision, device=encoder.device)
        return encoder

    def _probe(self, encoder: Encoder) -> None:
        """Let the model answer once, so that a broken one is noticed before an event depends on it."""
        vectors = normalised(encoder.encode(["wireless headphones", ""], 2))
        if vectors.shape != (2, self._dimension or vectors.shape[1]) or not is_unit(vectors):
            raise ConfigurationError(
                f"The model in {self._folder} answers with vectors that are not usable (shape {vectors.shape}).",
                "Its files may be damaged: install or download it anew, or set embedding.model to another one.",
            )

    def _fallen_back(self, failed: Encoder, error: Exception) -> Encoder:
        """The encoder on the CPU, read from the files anew: after a CUDA error nothing can be copied off the GPU."""
        with self._lock:
            if self._encoder is failed:
                log.warning("embedding.gpu_failed", error=str(error), next="the model runs on the CPU from here on")
                self._encoder = self._load_encoder(self._folder, "cpu", self._precision)
            assert self._encoder is not None
            return self._encoder


class TorchEncoder:
    """A model in torch's hands."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self.device = str(model.device.type)

    def encode(self, texts: Sequence[str], batch_size: int) -> Vectors:
        """See `Encoder.encode`. sentence-transformers sorts by length, so that little padding is computed."""
        vectors = self._model.encode(
            list(texts), batch_size=batch_size, convert_to_numpy=True, normalize_embeddings=False,
            show_progress_bar=False,
        )  # fmt: skip
        return np.asarray(vectors, np.float32)


def load_encoder(folder: Path, device: str, precision: Precision) -> Encoder:
    """The model of a folder on a device (`auto`: the GPU when there is one). Takes seconds.

    Raises ConfigurationError when the folder holds no model or the GPU that was asked for is not there.
    """
    _prepare_environment()
    import torch
    from sentence_transformers import SentenceTransformer
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()  # type: ignore[no-untyped-call]  # a bar of the library's own, in the middle of a log
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda" and not torch.cuda.is_available():
        raise ConfigurationError(
            "embedding.device is cuda, but torch finds no usable GPU here.",
            "Set embedding.device to auto or cpu, or install a driver that fits this torch.",
        )
    try:
        model = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise ConfigurationError(
            f"The model in {folder} cannot be loaded: {error}",
            "embedding.model must name a folder of a sentence-transformers model with all its files.",
        ) from error
    # Moved after loading, so that a GPU failure is not mistaken for damaged files.
    return TorchEncoder(model.to(device=device, dtype=getattr(torch, precision)).eval())


def is_gpu_failure(error: BaseException, device: str) -> bool:
    """Whether this error is the GPU's (driver, memory, kernel) and the CPU could do the same work."""
    if device == "cpu":
        return False
    named = {kind.__name__ for kind in type(error).__mro__}
    if named & {"OutOfMemoryError", "AcceleratorError", "DeferredCudaCallError"}:
        return True
    return isinstance(error, RuntimeError) and any(word in str(error) for word in ("CUDA", "cuBLAS", "cuDNN", "NVML"))


def _prepare_environment() -> None:
    """What the libraries read from the environment while they are imported."""
    stay_offline()
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    # Threads that wait must sleep, not spin: with another process on one of two cores, 2 threads gave 104 texts/s
    # sleeping and 67 spinning. So every core can be used, and none needs to be left to the event loop.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def _readable(text: str) -> str:
    """The text without what UTF-8 cannot say; the tokenizer, which is not Python, would refuse it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text
