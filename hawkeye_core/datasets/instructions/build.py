"""All tables of the two stages from the annotation files of the data sets, checked, with a card.

::

    stage2.parquet                  every video, both sentiments, all splits
    annotations.jsonl               what `hawkeye train` and `hawkeye eval` read: training and test videos of both
    s-s.jsonl, s-d.jsonl            the same of one sentiment, for the two test sets of the paper's Table 1
    llava.jsonl                     training videos as conversations in LLaVA's format
    regions.parquet, motions.parquet, motions/, sidecars/    stage 1, see hawkeye_core.datasets.instructions.stage1
    card.json, card.md              counts, sources, what was left out
    remarks.jsonl, findings.jsonl   every video or segment that was left out or changed, or is not as it should be
"""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from feature_store.store import FeatureStore
from hawkeye_core.atomic import write_text
from hawkeye_core.datasets.instructions.card import DataCard, Stage1Counts, as_markdown, counted, counts_of
from hawkeye_core.datasets.instructions.checks import Finding, check_features, check_files, check_splits, locate
from hawkeye_core.datasets.instructions.config import DatasetSettings
from hawkeye_core.datasets.instructions.files import split_rows, write_annotations, write_conversations, write_table
from hawkeye_core.datasets.instructions.reasons import GraphReasons
from hawkeye_core.datasets.instructions.rows import Instruction
from hawkeye_core.datasets.instructions.stage1 import table_counts, write_motions, write_regions
from hawkeye_core.datasets.instructions.stage2 import stage2_rows
from hawkeye_core.datasets.source import Remark, SourceVideos
from hawkeye_core.digest import sha256_of
from hawkeye_core.training.record import git_commit

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, of how much."""

PACKAGES = ("pyarrow", "numpy")
TABLE = "stage2.parquet"


@dataclass(frozen=True)
class Built:
    """What :func:`build` made."""

    folder: Path
    rows: tuple[Instruction, ...]
    remarks: tuple[Remark, ...]
    findings: tuple[Finding, ...]
    card: DataCard

    @property
    def usable(self) -> bool:
        """Nothing is wrong; videos may be missing still."""
        return not any(finding.severity == "error" for finding in self.findings)


def build(settings: DatasetSettings, sources: Sequence[SourceVideos], *, progress: Progress | None = None) -> Built:
    """Write all tables; the same files and settings give the same bytes.

    Args:
        settings: See there.
        sources: From :func:`~hawkeye_core.datasets.instructions.sources.read_sources`.
        progress: Told of files that are opened.

    Raises:
        AnnotationError: The sources contradict each other.
        StoreError: The feature store cannot be opened.
    """
    store = FeatureStore.open(settings.store) if settings.store else None
    made = stage2_rows(
        sources, seed=settings.seed, phrasings=settings.phrasings, reason=None if store is None else GraphReasons(store)
    )
    remarks = (*(remark for source in sources for remark in source.remarks), *made.remarks)
    findings = tuple(_findings(settings, made.rows, store, progress))
    folder = Path(settings.out)
    tables = _write(folder, made.rows) if sources else []
    first = _stage1(settings, folder, progress)
    remarks, tables = (*remarks, *first.remarks), [*tables, *first.tables]
    card = DataCard(
        sets=counts_of(made.rows), stage1=first.counts, protocols={source.name: source.protocol for source in sources},
        files={f"{source.name}/{name}": digest for source in sources for name, digest in source.files.items()}
        | first.files,
        tables={path.name: sha256_of(path) for path in tables}, remarks=counted(remarks), seed=settings.seed,
        phrasings=settings.phrasings,
        versions={"python": platform.python_version()} | {package: version(package) for package in PACKAGES},
        git_commit=git_commit(Path(__file__).parent),
    )  # fmt: skip
    write_text(folder / "card.json", card.model_dump_json(indent=2) + "\n")
    write_text(folder / "card.md", as_markdown(card))
    _write_lines(folder / "remarks.jsonl", remarks)
    _write_lines(folder / "findings.jsonl", findings)
    write_text(folder / "settings.json", settings.model_dump_json(indent=2) + "\n")
    return Built(folder, made.rows, remarks, findings, card)


@dataclass
class _Stage1:
    tables: list[Path]
    remarks: list[Remark]
    files: dict[str, str]
    counts: dict[str, Stage1Counts]


def _stage1(settings: DatasetSettings, folder: Path, progress: Progress | None) -> _Stage1:
    made = _Stage1([], [], {}, {})
    if settings.refcoco is not None:
        path, remarks, files = write_regions(settings.refcoco, folder)
        _add(made, "refcoco", path, remarks, files)
    if settings.humanml3d is not None:
        path, remarks, files = write_motions(settings.humanml3d, folder, seed=settings.seed, progress=progress)
        _add(made, "humanml3d", path, remarks, files)
    return made


def _add(made: _Stage1, name: str, path: Path, remarks: Iterable[Remark], files: Mapping[str, str]) -> None:
    made.tables.append(path)
    made.counts[path.stem] = table_counts(path)
    made.remarks += remarks
    made.files |= {f"{name}/{file}": digest for file, digest in files.items()}


def _findings(
    settings: DatasetSettings, rows: Sequence[Instruction], store: FeatureStore | None, progress: Progress | None
) -> Iterable[Finding]:
    yield from check_splits(rows)
    places = {"tsl300": settings.tsl300, "ucf-crime": settings.ucf_crime}
    folders = {name: Path(place.videos) for name, place in places.items() if place is not None and place.videos}
    files, missing = locate(rows, folders)
    yield from missing
    if settings.decode:
        told = None if progress is None else lambda done, of: progress("videos opened", done, of)
        yield from check_files(rows, files, progress=told)
    if store is not None:
        yield from check_features(rows, store)


def _write(folder: Path, rows: Sequence[Instruction]) -> list[Path]:
    return [
        write_table(rows, folder / TABLE),
        write_annotations(split_rows(rows), folder / "annotations.jsonl"),
        write_annotations(split_rows(rows, sentiment="S-S"), folder / "s-s.jsonl"),
        write_annotations(split_rows(rows, sentiment="S-D"), folder / "s-d.jsonl"),
        write_conversations([row for row in rows if row.split == "train"], folder / "llava.jsonl"),
    ]


def _write_lines(path: Path, items: Iterable[Any]) -> None:
    write_text(path, "".join(json.dumps(asdict(item), ensure_ascii=False) + "\n" for item in items))
