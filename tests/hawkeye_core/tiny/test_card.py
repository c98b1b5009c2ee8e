"""The card of weights, and where shipped weights are found."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from hawkeye_core.digest import sha256_of
from hawkeye_core.errors import WeightsError
from hawkeye_core.pose.higher_hrnet_weights import build_network
from hawkeye_core.tiny import card as card_module
from hawkeye_core.tiny import shipped as module
from hawkeye_core.tiny.card import _without_places, as_markdown, publish, read_card
from hawkeye_core.tiny.checkpoint import BEST


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    save_file({"a": torch.tensor([0.1, 2.0]), "n": torch.tensor(3)}, folder / BEST)
    write_record(folder, start="random")
    return folder


def write_record(folder, *, start):
    record = {"steps": 10, "samples": 160, "minutes": 1.5, "parameters": 2, "settings": {"start": start, "seed": 4}}
    (folder / "run.json").write_text(json.dumps(record))


def test_weights_and_card_are_written_and_read_back(run, tmp_path):
    card = publish("pose", run, folder=tmp_path / "out", metrics={"ap": 0.5}, data="drawn people", half=True)
    path = tmp_path / "out" / "pose.safetensors"
    assert card.sha256 == sha256_of(path)
    assert load_file(path)["a"].dtype == torch.float16
    assert load_file(path)["n"] == 3
    assert read_card(tmp_path / "out" / "pose.json") == card
    text = as_markdown(card)
    assert "ap 0.500" in text
    assert "| samples seen | 160 |" in text
    assert (tmp_path / "out" / "pose.md").read_text() == text


def test_a_run_that_went_on_from_shipped_weights_adds_up(run, tmp_path):
    publish("pose", run, folder=tmp_path, metrics={}, data="d")
    write_record(run, start="shipped")
    card = publish("pose", run, folder=tmp_path, metrics={}, data="d")
    assert (card.steps, card.samples, card.minutes) == (20, 320, 3.0)


def test_runs_that_were_gone_on_with_count_as_well(run, tmp_path):
    other = tmp_path / "before"
    other.mkdir()
    write_record(other, start="random")
    card = publish("pose", run, folder=tmp_path / "weights", metrics={"ap": 0.1}, data="drawn", before=[other, other])
    assert (card.steps, card.samples, card.minutes) == (30, 480, 4.5)


def test_a_run_without_weights_and_a_missing_card(tmp_path):
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(WeightsError, match="holds no weights yet"):
        publish("pose", tmp_path, folder=tmp_path / "out", metrics={}, data="d")
    with pytest.raises(WeightsError, match="no such card"):
        read_card(tmp_path / "pose.json")


def test_shipped_goes_with_tiny_only_and_says_when_there_is_none(tmp_path, monkeypatch):
    with pytest.raises(WeightsError, match=r"`size: tiny` only, not with w32-512"):
        build_network("w32-512", "shipped")
    monkeypatch.setattr(module, "shipped_folder", lambda: tmp_path)
    with pytest.raises(WeightsError, match="hawkeye tiny train pose"):
        build_network("tiny", "shipped")


def test_a_card_holds_no_places_of_a_machine():
    found = _without_places({"run": "/tmp/a/pose", "worlds": ["/data/w7", "w8"], "lr": 0.1})
    assert found == {"run": "pose", "worlds": ["w7", "w8"], "lr": 0.1}


def test_machines_of_runs_before_are_joined_however_often_a_run_went_on():
    def record(hardware, minutes):
        return {"hardware": hardware, "minutes": minutes}

    once = card_module._hardware([record("A", 2.0), record("B", 3.5)])
    assert once == "2 on A, before that 3.5 on B"
    assert card_module._hardware([record("A", 1.0), record(once, 5.5)]) == "3 on A, before that 3.5 on B"
    thrice = card_module._hardware([record("C", 1.0), record(once, 5.5)])
    assert thrice == "1 on C, before that 2 on A, before that 3.5 on B"
    assert card_module._hardware([record("A", 1.0), record("A", 2.0)]) == "A"
