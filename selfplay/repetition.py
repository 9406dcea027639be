"""How much a round's proposals repeat each other: clusters of near copies, by BLEU (R-Zero 2508.05004, section 3.2).

The distance of two texts is 1 - BLEU; clusters are those of average linkage, cut at a threshold; what a text is told is
its cluster's share of all texts, |C|/B. Equal texts are always in one cluster. It knows nothing of earlier rounds: what
was posed before is the gate's business.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import combinations

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.sparse import csr_matrix

from selfplay.types import Proposal

MAX_ORDER = 4
"""n-grams of one to so many tokens."""
THRESHOLD = 0.5
"""Distance at which clusters are cut (R-Zero's code)."""
SMOOTHING = 0.1
"""Stands for a number of matches that is 0 (method 1 of Chen and Cherry 2014, as R-Zero's code has it)."""

_TOKEN = re.compile(r"\w|[^\w\s]")
_WORD = re.compile(r"\w+|[^\w\s]")


def tokens_of(text: str) -> list[str]:
    """Words and single signs; of a text without spaces, such as a terse program, single characters."""
    pattern = _WORD if any(character.isspace() for character in text.strip()) else _TOKEN
    return pattern.findall(text)


def bleu(candidate: Sequence[str], reference: Sequence[str]) -> float:
    """Sentence BLEU of tokens against one reference, in [0, 1] (Papineni et al. 2002, with `SMOOTHING`).

    Geometric mean of the precisions of n-grams up to `MAX_ORDER`, or up to the candidate's length where that is less,
    times a penalty for being shorter than the reference. 0 where no token is shared.
    """
    return float(_bleu([candidate, reference])[0, 1])


def repetition(texts: Sequence[str], threshold: float = THRESHOLD) -> list[float]:
    """For each text, the share of all texts that are in its cluster, itself included."""
    if not texts:
        return []
    distinct = list(dict.fromkeys(texts))
    weights = Counter(texts)
    clusters = _clusters(distinct, [weights[text] for text in distinct], threshold)
    sizes: Counter[int] = Counter()
    for text, cluster in zip(distinct, clusters, strict=True):
        sizes[cluster] += weights[text]
    share = {text: sizes[cluster] / len(texts) for text, cluster in zip(distinct, clusters, strict=True)}
    return [share[text] for text in texts]


def repetition_of(proposals: Sequence[Proposal]) -> list[float]:
    """`repetition` of proposals: by their problems' texts, or by what was written where there is no problem."""
    return repetition([one.problem.prompt if one.problem else one.transcript.completion for one in proposals])


def _clusters(texts: Sequence[str], weights: Sequence[int], threshold: float) -> list[int]:
    """A cluster's number for each text, which stands for `weights` copies of itself."""
    rows = [index for index, weight in enumerate(weights) for _ in range(weight)]
    if len(rows) < 2:
        return [1] * len(texts)
    own = distances(texts)
    whole = np.array([own[i, j] for i, j in combinations(rows, 2)])
    found = fcluster(linkage(whole, method="average"), t=threshold, criterion="distance")
    first = {row: int(cluster) for row, cluster in zip(reversed(rows), reversed(found), strict=True)}
    return [first[index] for index in range(len(texts))]


def distances(texts: Sequence[str]) -> np.ndarray:
    """1 - BLEU of every two texts, the mean of both directions: (texts, texts), 0 on the diagonal."""
    scores = _bleu([tokens_of(text) for text in texts])
    found: np.ndarray = 1.0 - (scores + scores.T) / 2
    np.fill_diagonal(found, 0.0)
    return found


def _bleu(texts: Sequence[Sequence[str]]) -> np.ndarray:
    """BLEU of each text (row) against each as its reference (column)."""
    lengths = np.array([len(tokens) for tokens in texts], dtype=float)
    logs = np.zeros((len(texts), len(texts)))
    shared = np.zeros_like(logs, dtype=bool)
    for order in range(1, MAX_ORDER + 1):
        grams = [Counter(tuple(one[at : at + order]) for at in range(len(one) - order + 1)) for one in texts]
        matches = _shared(grams)
        if order == 1:
            shared = matches > 0
        counts = np.maximum(lengths - order + 1, 1)[:, None]
        has_any = (lengths >= order)[:, None]
        logs += np.where(has_any, np.log(np.where(matches > 0, matches, SMOOTHING) / counts), 0.0)
    own = np.maximum(lengths, 1)[:, None]
    brevity = np.minimum(0.0, 1.0 - lengths[None, :] / own)
    scores: np.ndarray = np.where(shared, np.exp(logs / np.minimum(own, MAX_ORDER) + brevity), 0.0)
    return scores


def _shared(grams: Sequence[Counter[tuple[str, ...]]]) -> np.ndarray:
    """How many n-grams every two texts share, each as often as both have it: sum over c of [both have it c times]."""
    places: dict[tuple[str, ...], int] = {}
    entries = [
        (row, places.setdefault(gram, len(places)), count)
        for row, one in enumerate(grams)
        for gram, count in one.items()
    ]
    total = np.zeros((len(grams), len(grams)))
    for least in range(1, max((count for _, _, count in entries), default=0) + 1):
        kept = [(row, column) for row, column, count in entries if count >= least]
        rows, columns = zip(*kept, strict=True)
        has = csr_matrix((np.ones(len(kept)), (rows, columns)), shape=(len(grams), len(places)))
        total += (has @ has.T).toarray()
    return total
