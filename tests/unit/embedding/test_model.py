"""Finding a model, reading its files, and going on without the GPU. No weights are loaded here."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import structlog

from streamapp.embedding.create import cache_folder, create_embedder
from streamapp.embedding.embedder import Vectors
from streamapp.embedding.model import MiniLM, is_gpu_failure
from streamapp.embedding.model_files import declared_dimension, digest_of, find_model
from streamapp.errors import ConfigurationError
from streamapp.settings import EmbeddingSettings


class OutOfMemoryError(RuntimeError):
    """As torch's: named by its class, and a RuntimeError."""


class FakeEncoder:
    """A device that answers every text alike, and fails from its n-th call on."""

    def __init__(
        self, device: str, fails_from: int = 1_000, error: Exception | None = None, value: float = 1.0
    ) -> None:  # fmt: skip
        self.device, self.fails_from, self.calls, self.value = device, fails_from, 0, value
        self.error = error or OutOfMemoryError("CUDA out of memory")

    def encode(self, texts: Sequence[str], batch_size: int) -> Vectors:
        self.calls += 1
        if self.calls >= self.fails_from:
            raise self.error
        return np.full((len(texts), 384), self.value, np.float32)


class Machine:
    """Brings the given devices up one after the other, and writes down which were asked for."""

    def __init__(self, *encoders: FakeEncoder) -> None:
        self.left, self.asked = list(encoders), list[str]()

    def load(self, folder: Path, device: str, precision: str) -> FakeEncoder:
        self.asked.append(device)
        return self.left.pop(0)


def test_asking_for_dimension_and_revision_loads_no_library() -> None:
    script = (
        "import sys, pathlib; from streamapp.embedding.create import create_embedder;"
        "from streamapp.settings import EmbeddingSettings as S; h = pathlib.Path('x');"
        "[(e.dimension, e.revision) for e in (create_embedder(S(), h), create_embedder(S(kind='light'), h))];"
        "print([m for m in ('torch', 'transformers', 'sklearn', 'scipy', 'huggingface_hub') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


def test_the_bundled_model_goes_by_both_its_names() -> None:
    folder = find_model("all-MiniLM-L6-v2")
    assert folder == find_model("sentence-transformers/all-MiniLM-L6-v2")
    assert declared_dimension(folder) == 384


def test_a_folder_is_a_model_name_too(tmp_path: Path) -> None:
    assert find_model(str(tmp_path)) == tmp_path


@pytest.mark.parametrize("name", ["no-such-model-anywhere", "nobody/no-such-model", "/no/such/folder", "a/b/c d"])
def test_a_missing_model_is_named_with_what_to_do(name: str) -> None:
    with pytest.raises(ConfigurationError, match="not on this machine") as caught:
        find_model(name)
    assert "light" in caught.value.hint


def test_a_dimension_that_the_files_do_not_say_is_left_to_the_model(tmp_path: Path) -> None:
    assert declared_dimension(tmp_path) is None
    modules = [{"type": "sentence_transformers.models.Pooling", "path": "1_Pooling"},
               {"type": "sentence_transformers.models.Dense", "path": "2_Dense"}]  # fmt: skip
    (tmp_path / "modules.json").write_text(json.dumps(modules))
    assert declared_dimension(tmp_path) is None


def test_the_digest_changes_with_the_weights_and_not_with_the_readme(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    before = digest_of(tmp_path)
    (tmp_path / "README.md").write_text("words")
    assert digest_of(tmp_path) == before
    (tmp_path / "model.safetensors").write_bytes(b"other weights")
    assert digest_of(tmp_path) != before


def test_precision_is_part_of_the_revision_and_of_the_cache_folder(tmp_path: Path) -> None:
    revisions = {
        create_embedder(EmbeddingSettings(precision=precision), tmp_path).revision
        for precision in ("float32", "bfloat16")
    }
    assert len({cache_folder(tmp_path, revision) for revision in revisions}) == 2


def test_a_gpu_that_fails_at_work_is_replaced_by_the_cpu_for_good_with_one_warning() -> None:
    machine = Machine(FakeEncoder("cuda", fails_from=3), FakeEncoder("cpu"))
    model = MiniLM(load=machine.load)
    with structlog.testing.capture_logs() as lines:
        vectors = [model.embed(["a"]) for _ in range(4)]
    assert all(np.allclose(np.linalg.norm(each, axis=1), 1) for each in vectors)
    assert machine.asked == ["auto", "cpu"]
    assert model.device == "cpu"
    assert [line["log_level"] for line in lines].count("warning") == 1


def test_a_gpu_that_fails_its_first_answer_is_replaced_too() -> None:
    machine = Machine(FakeEncoder("cuda", fails_from=1), FakeEncoder("cpu"))
    assert MiniLM(load=machine.load).embed(["a"]).shape == (1, 384)
    assert machine.asked == ["auto", "cpu"]


def test_a_gpu_that_was_asked_for_and_does_not_start_is_not_replaced_in_silence() -> None:
    machine = Machine(FakeEncoder("cuda", fails_from=1))
    with pytest.raises(OutOfMemoryError):
        MiniLM(device="cuda", load=machine.load).embed(["a"])


def test_an_error_that_is_not_the_gpus_goes_to_the_caller() -> None:
    machine = Machine(FakeEncoder("cuda", fails_from=2, error=TypeError("not a text")))
    with pytest.raises(TypeError, match="not a text"):
        MiniLM(load=machine.load).embed(["a"])


def test_a_model_that_answers_with_nan_is_refused_when_it_is_loaded() -> None:
    with pytest.raises(ConfigurationError, match="not usable"):
        MiniLM(load=Machine(FakeEncoder("cpu", value=float("nan"))).load).embed(["a"])


@pytest.mark.parametrize(
    ("error", "device", "verdict"),
    [
        (OutOfMemoryError("x"), "cuda", True),
        (RuntimeError("CUDA error: device-side assert triggered"), "cuda", True),
        (RuntimeError("cuBLAS failed"), "cuda", True),
        (RuntimeError("CUDA error"), "cpu", False),
        (RuntimeError("shapes differ"), "cuda", False),
        (ValueError("CUDA"), "cuda", False),
    ],
)
def test_only_the_gpus_own_failures_are_its_fault(error: Exception, device: str, verdict: bool) -> None:
    assert is_gpu_failure(error, device) is verdict
