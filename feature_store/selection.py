"""Which fingerprint a reader gets when a family was extracted in more than one way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from feature_store.catalog import Catalog
from feature_store.errors import StoreError, VideoUnknownError
from feature_store.fingerprint import Family, Fingerprint
from feature_store.layout import check_digest, check_family
from feature_store.records import CommitRecord

RELATIONS_KEY = "relations"
"""Key of a vision fingerprint's settings that holds the digest of the relations its boxes came from."""

Choice = dict[Family, str]
"""Digest by family."""


def choose(catalog: Catalog, families: Sequence[Family], *, fingerprints: Mapping[str, str] | None = None) -> Choice:
    """A digest for each family: the given one, the one vision was made with, the only one, or the latest complete one.

    A fingerprint is complete if it holds every video that the family has under any fingerprint.

    Raises:
        VideoUnknownError: if the store has no features of a family.
        StoreError: if several fingerprints stand and none is complete; the message lists them.
    """
    given = {check_family(family): check_digest(digest) for family, digest in (fingerprints or {}).items()}
    choice: Choice = {}
    for family in sorted(families, key=lambda family: family != "vision"):  # vision decides about relations
        choice[family] = given.get(family) or _paired(catalog, family, choice) or _latest_complete(catalog, family)
    return {family: choice[family] for family in families}


def _paired(catalog: Catalog, family: Family, choice: Choice) -> str | None:
    """The relations that the chosen vision tokens were cut by: other boxes would not belong to them."""
    if family != "relations" or "vision" not in choice:
        return None
    fingerprint = fingerprints_of(catalog, "vision").get(choice["vision"])
    digest = fingerprint.settings.get(RELATIONS_KEY) if fingerprint else None
    return digest if digest in fingerprints_of(catalog, "relations") else None


def fingerprints_of(catalog: Catalog, family: Family) -> dict[str, Fingerprint]:
    """Fingerprints under which at least one video of the family can be read, by digest."""
    return {record.digest: record.fingerprint for record in catalog.readable(family)}


def _latest_complete(catalog: Catalog, family: Family) -> str:
    by_digest: dict[str, list[CommitRecord]] = {}
    for record in catalog.readable(family):
        by_digest.setdefault(record.digest, []).append(record)
    if not by_digest:
        raise VideoUnknownError(f"the store has no {family} features", remedy="extract them (`make extract`)")
    if len(by_digest) == 1:
        return next(iter(by_digest))
    everything = len({record.video_id for records in by_digest.values() for record in records})
    complete = [digest for digest, records in by_digest.items() if len(records) == everything]
    if not complete:
        raise _ambiguous(family, by_digest, everything)
    return max(complete, key=lambda digest: (max(record.created for record in by_digest[digest]), digest))


def _ambiguous(family: Family, by_digest: Mapping[str, Sequence[CommitRecord]], everything: int) -> StoreError:
    lines = [
        f"  {digest}: {records[0].fingerprint.backend}, {len(records)} of {everything} videos"
        for digest, records in sorted(by_digest.items())
    ]
    return StoreError(
        f"{family} was extracted under {len(by_digest)} fingerprints, none of which has all videos:\n"
        + "\n".join(lines),
        remedy=f'name one, as in fingerprints={{"{family}": "{min(by_digest)}"}}, or finish the extraction',
    )
