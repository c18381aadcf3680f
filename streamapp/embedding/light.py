"""TF-IDF over words and pieces of words, reduced by SVD: the embedder for machines without a model.

In: texts. Out: unit vectors of 384 dimensions. It learns from a corpus once, in seconds, and keeps what it learnt.
The only door to sklearn, which like torch is imported when a first text must be embedded, not before.
The trap: a text that shares nothing with the corpus has no direction; it gets one from its hash, so that it is
found by its own words at least and never breaks a cosine.
"""

import hashlib
import os
import threading
from collections.abc import Sequence
from importlib import metadata, resources
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamapp.embedding.embedder import Vectors, normalised
from streamapp.errors import ConfigurationError
from streamapp.logs import get_logger

log = get_logger(__name__)

DIMENSION = 384
"""As MiniLM's, so that collections have one shape; the built-in corpus has several times as many lines."""
RECIPE = "2"
"""Part of the revision; another number when the features below change."""
MOST_FEATURES = 4_000
"""Words kept, and pieces of words; 12,000 took twice the time and 31 MB instead of 12, for the same neighbours."""


class Learnt(NamedTuple):
    """What came of the corpus: the vectorisers, and the projection of shape (features, DIMENSION), float32."""

    vectorisers: Any
    projection: Vectors


class LightEmbedder:
    """TF-IDF + SVD. The same text has the same bits in every call, process and machine that shares the file.

    Raises ConfigurationError when the corpus cannot be read or is too small to learn from.
    """

    dimension = DIMENSION

    def __init__(self, folder: Path, corpus: Path | None = None) -> None:
        self._lines = read_corpus(corpus)
        versions = ",".join(metadata.version(name) for name in ("scikit-learn", "scipy", "numpy"))
        content = "\n".join([RECIPE, versions, *self._lines]).encode("utf-8", "surrogatepass")
        digest = hashlib.blake2b(content, digest_size=6).hexdigest()
        self.revision = f"light:{digest}:float32"
        self.file = folder / f"light-{digest}.joblib"
        """What was learnt; a missing or damaged file is made again."""
        self._learnt: Learnt | None = None
        self._lock = threading.Lock()

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See `Embedder.embed`."""
        if not texts:
            return np.empty((0, DIMENSION), np.float32)
        learnt = self._loaded()
        vectors = normalised(learnt.vectorisers.transform(texts) @ learnt.projection)
        for row in np.flatnonzero(~vectors.any(axis=1)).tolist():
            vectors[row] = hashed_direction(texts[row])
        return vectors

    def _loaded(self) -> Learnt:
        with self._lock:
            if self._learnt is None:
                self._learnt = load(self.file) or self._learn()
            return self._learnt

    def _learn(self) -> Learnt:
        learnt = learn(self._lines)
        try:
            save(learnt, self.file)
        except OSError as error:
            log.warning(
                "embedding.model_not_kept", file=str(self.file), error=str(error), next="learnt again next time"
            )
        return learnt


def learn(lines: Sequence[str]) -> Learnt:
    """Fit the vectorisers and the projection; the same lines give the same result."""
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import FeatureUnion

    words = TfidfVectorizer(
        analyzer="word", ngram_range=(1, 2), sublinear_tf=True, max_features=MOST_FEATURES, strip_accents="unicode",
        stop_words="english", dtype=np.float32,
    )  # fmt: skip
    pieces = TfidfVectorizer(
        analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True, max_features=MOST_FEATURES, dtype=np.float32
    )
    # Words carry the meaning; pieces of them catch plurals, compounds and typing errors.
    vectorisers = FeatureUnion([("words", words), ("pieces", pieces)], transformer_weights={"words": 1, "pieces": 0.5})
    try:
        features = vectorisers.fit_transform(lines)
    except ValueError as error:  # sklearn's word for "nothing but stop words"
        raise ConfigurationError(
            f"The corpus has no words to learn from: {error}", "embedding.corpus must hold product texts, one a line."
        ) from error
    svd = TruncatedSVD(min(DIMENSION, *features.shape), random_state=0).fit(features)
    projection: NDArray[np.float32] = np.zeros((features.shape[1], DIMENSION), np.float32)
    projection[:, : len(svd.components_)] = svd.components_.T
    return Learnt(vectorisers, projection)


def load(file: Path) -> Learnt | None:
    """What was learnt before, or None where there is nothing usable. The file is a pickle: ours, in our own folder."""
    import joblib

    if not file.exists():
        return None
    try:
        vectorisers, projection = joblib.load(file)
        if projection.shape[1] != DIMENSION or not np.isfinite(projection).all():
            raise ValueError(f"a projection of shape {projection.shape}")
    except Exception as error:  # noqa: BLE001 - a damaged pickle can raise anything at all
        log.warning("embedding.model_damaged", file=str(file), error=repr(error), next="learning it again")
        return None
    return Learnt(vectorisers, projection)


def save(learnt: Learnt, file: Path) -> None:
    """Write the file as a whole or not at all."""
    import joblib

    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(f".{os.getpid()}.part")
    joblib.dump(tuple(learnt), part)
    os.replace(part, file)


def read_corpus(path: Path | None) -> list[str]:
    """The lines to learn from, the built-in ones when there is no path. Raises ConfigurationError when unusable."""
    try:
        source = path or resources.files(__package__).joinpath("corpus.txt")
        lines = [line.strip() for line in source.read_text("utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"The corpus {path} cannot be read: {error}",
            "embedding.corpus must name a UTF-8 text file, one text a line.",
        ) from error
    lines = list(dict.fromkeys(line for line in lines if any(map(str.isalnum, line))))
    if len(lines) < 2:
        raise ConfigurationError(
            f"The corpus {path} has {len(lines)} different texts, too few to learn from.",
            f"Give it some thousand product texts, at least {DIMENSION}, or leave embedding.corpus empty.",
        )
    return lines


def hashed_direction(text: str) -> Vectors:
    """A unit vector, shape (DIMENSION,), drawn from nothing but the text's hash."""
    seed = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    drawn = np.random.default_rng(list(seed)).standard_normal((1, DIMENSION))
    return normalised(drawn.astype(np.float32)).reshape(DIMENSION)
