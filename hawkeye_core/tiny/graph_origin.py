"""Where the graphs come from that a training read, in the words of a card."""

from __future__ import annotations

from collections.abc import Sequence

from feature_store.errors import StoreError
from feature_store.store import FeatureStore

TRUE, FOUND, UNKNOWN = "made of the truth", "found by networks in the pixels", "of a store that is gone"
"""What a store's graphs are."""


def graph_origin(stores: Sequence[str]) -> str:
    """What the graphs of some stores are, each kind once; without a store they are those of the truth.

    Args:
        stores: Folders or URLs; one that cannot be opened any more is said to be gone.
    """
    kinds = [_of_store(store) for store in dict.fromkeys(stores)] or [TRUE]
    return " and ".join(kind for kind in (TRUE, FOUND, UNKNOWN) if kind in kinds)


def _of_store(url: str) -> str:
    try:
        store = FeatureStore.open(url)
        chosen = store.choose(("pose", "relations"))
        backends = {store.fingerprints(family)[digest].backend for family, digest in chosen.items()}
    except StoreError:
        return UNKNOWN
    return TRUE if backends == {"sidecar"} else FOUND
