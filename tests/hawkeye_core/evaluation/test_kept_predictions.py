"""An evaluation that was interrupted, or whose journal is damaged, ends with the bytes of one that was not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hawkeye_core.evaluation.kept_predictions import JOURNAL, answer_key
from hawkeye_core.evaluation.predict import Predictor
from hawkeye_core.evaluation.run import evaluate

FILES = ("predictions.jsonl", "predictions.parquet", "router.parquet")
BATCHES = 4  # 14 windows


def content(folder: Path) -> list[bytes]:
    return [(folder / name).read_bytes() for name in FILES]


@pytest.fixture(scope="module")
def undisturbed(made_up_run, tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    folder = tmp_path_factory.mktemp("undisturbed")
    assert evaluate(made_up_run.settings(folder)).known == 0
    assert not (folder / JOURNAL).exists()
    return content(folder)


class Interrupting:
    """Stops a predictor with the given batch, and counts the batches that are answered."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count, self.stop_at = 0, -1
        answer = Predictor.answer

        def answering(predictor: Predictor, samples: Any) -> Any:
            if self.count == self.stop_at:
                raise KeyboardInterrupt
            self.count += 1
            return answer(predictor, samples)

        monkeypatch.setattr(Predictor, "answer", answering)

    def until(self, batch: int) -> None:
        self.count, self.stop_at = 0, batch


@pytest.fixture
def interrupting(monkeypatch: pytest.MonkeyPatch) -> Interrupting:
    return Interrupting(monkeypatch)


@pytest.mark.parametrize("done", [0, 1, 3])
def test_an_interrupted_run_goes_on_and_gives_the_same_bytes(
    made_up_run, undisturbed: list[bytes], interrupting: Interrupting, tmp_path: Path, done: int
) -> None:
    interrupting.until(done)
    with pytest.raises(KeyboardInterrupt):
        evaluate(made_up_run.settings(tmp_path))
    assert not (tmp_path / FILES[0]).exists()
    assert len((tmp_path / JOURNAL).read_text().splitlines()) == 4 * done
    interrupting.until(-1)
    result = evaluate(made_up_run.settings(tmp_path))
    assert interrupting.count == BATCHES - done
    assert content(tmp_path) == undisturbed
    assert not (tmp_path / JOURNAL).exists()
    assert (result.known > 0) == (done > 0)
    assert ("were known from an interrupted run" in (tmp_path / "results.md").read_text()) == (done > 0)
    assert result.seconds_per_minute is not None
    assert result.seconds_per_minute == pytest.approx(sum(result.stages.values()))


def test_damaged_lines_are_answered_again(
    made_up_run, undisturbed: list[bytes], interrupting: Interrupting, tmp_path: Path
) -> None:
    interrupting.until(3)
    with pytest.raises(KeyboardInterrupt):
        evaluate(made_up_run.settings(tmp_path))
    journal = tmp_path / JOURNAL
    lines = journal.read_bytes().splitlines(keepends=True)
    lines[1] = lines[1].replace(b'"first": ', b'"first": 1')  # of the first batch: its check is wrong
    lines[6:6] = [b"\xff\x00 no JSON\n", b"[]\n", b'{"check": "x", "kept": {}}\n', b"[" * 5000 + b"\n"]
    journal.write_bytes(b"".join(lines)[:-20])  # the last line of the third batch is torn
    interrupting.until(-1)
    evaluate(made_up_run.settings(tmp_path))
    assert interrupting.count == BATCHES - 1  # a batch is answered whole, or its padding would be another
    assert content(tmp_path) == undisturbed


def test_answers_of_other_settings_are_not_taken_and_not_lost(
    made_up_run, undisturbed: list[bytes], interrupting: Interrupting, tmp_path: Path
) -> None:
    interrupting.until(3)
    with pytest.raises(KeyboardInterrupt):
        evaluate(made_up_run.settings(tmp_path))
    interrupting.until(1)
    with pytest.raises(KeyboardInterrupt):
        evaluate(made_up_run.settings(tmp_path, presence=0.5))
    lines = [json.loads(line)["kept"] for line in (tmp_path / JOURNAL).read_text().splitlines()]
    assert len(lines) == 12 + 4
    assert not {line["key"] for line in lines[:12]} & {line["key"] for line in lines[12:]}
    interrupting.until(-1)
    evaluate(made_up_run.settings(tmp_path))
    assert interrupting.count == BATCHES - 3
    assert content(tmp_path) == undisturbed


def test_what_decides_an_answer_is_in_its_key(made_up_run, tmp_path: Path) -> None:
    from feature_store.store import FeatureStore
    from hawkeye_core.evaluation.run_key import answer_keys
    from hawkeye_core.training.annotations import read_annotations
    from hawkeye_core.training.windows import WindowDataset

    store = FeatureStore.open(made_up_run.store)
    data = WindowDataset(store, read_annotations(made_up_run.annotations), length=32, hop=20)
    checkpoint = Path(made_up_run.run) / "checkpoint"

    def keys(folder: Path = checkpoint, **changes: Any) -> dict[str, str]:
        return answer_keys(store, data, folder, made_up_run.settings(tmp_path, **changes))

    first = keys()
    assert len(set(first.values())) == 5
    assert keys(batch_size=1, seed=3, name="other") == first
    other = tmp_path / "checkpoint"
    other.mkdir()
    for path in checkpoint.iterdir():
        (other / path.name).write_bytes(path.read_bytes())
    assert keys(other) == first
    (other / "tokenizer_config.json").write_text("{}")
    changed = [keys(other), keys(presence=None), keys(max_new_tokens=41), keys(curve=False)]
    assert all(not set(first.values()) & set(found.values()) for found in changed)
    assert answer_key({"a": 1, "b": 2}) == answer_key({"b": 2, "a": 1})
