"""Putting a store in order again. Nothing that a reader can use is ever deleted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from feature_store.catalog import is_damaged
from feature_store.fingerprint import Fingerprint
from feature_store.layout import fingerprint_path
from feature_store.leftovers import leftovers
from feature_store.problem import Problem
from feature_store.records import CommitRecord, VideoSource

if TYPE_CHECKING:
    from feature_store.store import FeatureStore


@dataclass(frozen=True, slots=True)
class Repair:
    """A problem and what was done about it."""

    problem: Problem
    action: str


def clean(store: FeatureStore) -> list[str]:
    """Delete half-written files and orphaned shards; returns their paths."""
    found = [problem.path for problem in leftovers(store)]
    for path in found:
        store.storage.remove(path)
    return found


def repair(store: FeatureStore) -> list[Repair]:
    """Deal with all that a deep verification finds.

    Shards that are missing or damaged are recorded as failed, so that the next extraction makes them anew; leftovers
    are deleted; catalog and fingerprint files are written anew from the commit records.
    """
    return [Repair(problem, _act(store, problem)) for problem in store.verify(deep=True)]


def _act(store: FeatureStore, problem: Problem) -> str:
    record = problem.record
    if problem.kind in ("temporary", "orphan"):
        store.storage.remove(problem.path)
        return "deleted"
    if problem.kind == "catalog":
        store.compact()
        return "written anew from the commit records"
    if problem.kind == "fingerprint":
        return _rewrite_fingerprint(store, problem)
    if record is None:
        return "nothing"
    if problem.kind == "record":
        return _replace_record(store, problem, record)
    store.record_failure(record.source, record.fingerprint, f"the shard is {problem.kind}: {problem.message}")
    store.storage.remove(problem.path)
    return "recorded as failed: the next extraction makes it anew"


def _rewrite_fingerprint(store: FeatureStore, problem: Problem) -> str:
    for record in store.records():
        if fingerprint_path(record.family, record.digest) == problem.path:
            store.storage.write(problem.path, (record.fingerprint.to_json() + "\n").encode())
            return "written anew"
    return "nothing"


def _replace_record(store: FeatureStore, problem: Problem, record: CommitRecord) -> str:
    """A later failure takes the damaged record's place; without it, an older record would stand for a newer shard."""
    known = _known_fingerprint(store, record)
    source: VideoSource = store.source(record.video_id)
    if known is not None:
        store.record_failure(source, known, problem.message)
    store.storage.remove(problem.path)
    store.refresh()
    return "deleted; the video is extracted again"


def _known_fingerprint(store: FeatureStore, damaged: CommitRecord) -> Fingerprint | None:
    """The fingerprint that a damaged record can only name, from the other records of its folder."""
    same = [
        record.fingerprint
        for record in store.catalog.records.values()
        if record.digest == damaged.digest and not is_damaged(record)
    ]
    return same[0] if same else None
