"""Pickles that are data are read; those that are programs are refused, and nothing in them runs."""

from __future__ import annotations

import os
import pickle
import struct
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hawkeye_core.datasets import restricted_pickle
from hawkeye_core.datasets.restricted_pickle import MAX_DEPTH, load_plain_pickle
from hawkeye_core.errors import AnnotationError

FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(max_size=300),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5) | st.integers(0, 9), inner),
    max_leaves=20,
)


def load(folder: Path, content: bytes) -> Any:
    path = folder / "refs(unc).p"
    path.write_bytes(content)
    return load_plain_pickle(path)


@FEW
@given(value=PLAIN, protocol=st.integers(0, 5))
def test_plain_data_comes_back_in_every_protocol(tmp_path: Path, value: Any, protocol: int) -> None:
    assert load(tmp_path, pickle.dumps(value, protocol)) == value


def test_as_python_2_wrote_it(tmp_path: Path) -> None:
    """cPickle's protocol 0 and 2: texts of bytes, numbers of values from 1, long whole numbers."""
    old = b"(lp1\n(dp2\nS'sent'\np3\nS'left man'\np4\nsS'ref_id'\np5\nI47\nsS'raw'\np6\nVL\xe9ft\np7\nsS'n'\nL7L\nsa."
    row = {"sent": "left man", "ref_id": 47, "raw": "L\xe9ft", "n": 7}
    assert load(tmp_path, old) == [row]
    binary = b"\x80\x02]q\x01}q\x02(U\x04sentq\x03U\x08left manq\x04U\x06ref_idq\x05K/U\x01xh\x03ua."
    assert load(tmp_path, binary) == [{"sent": "left man", "ref_id": 47, "x": "sent"}]


def test_texts_are_utf_8_or_an_error(tmp_path: Path) -> None:
    assert load(tmp_path, b"\x80\x02U\x02\xc3\xa9.") == "é"
    with pytest.raises(AnnotationError, match=r"refs\(unc\)\.p: is no pickle.*utf-8"):
        load(tmp_path, b"\x80\x02U\x01\xe9.")


def attempt(folder: Path, content: bytes) -> None:
    """Any error but ours that names the file gets out."""
    try:
        load(folder, content)
    except AnnotationError as error:
        if "refs(unc).p" not in str(error):
            raise


class Hostile:
    """Calls a function when it is unpickled."""

    def __init__(self, *call: Any) -> None:
        self.call = call

    def __reduce__(self) -> Any:
        return self.call[0], self.call[1:]


def hostile(marker: Path) -> dict[str, bytes]:
    """Pickles that would make a file, each in another way."""
    order = f"touch {marker}".encode()
    code = f"open({str(marker)!r}, 'w')".encode()
    made = {
        f"{name} {protocol}": pickle.dumps([Hostile(function, argument)], protocol)
        for name, function, argument in (("system", os.system, order.decode()), ("eval", eval, code.decode()))
        for protocol in range(6)
    }
    return made | {
        "instance": b"(S'" + order + b"'\nios\nsystem\n.",
        "object": b"(cos\nsystem\nS'" + order + b"'\no.",
        "build": b"cbuiltins\nobject\n)\x81}S'x'\nK\x01sb.",
        "stack global": b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x01x\x85R.",
        "copyreg": b"ccopyreg\n_reconstructor\n(cbuiltins\nobject\ncbuiltins\nobject\nNtR.",
        "extension 1": b"\x80\x02\x82\x01.",
        "extension 4": b"\x80\x02\x84\x01\x00\x00\x00.",
        "persistent": b"Pxyz\n.",
        "persistent binary": b"\x80\x02K\x01Q.",
        "buffer": b"\x80\x05\x97.",
        "ordered dict": pickle.dumps(OrderedDict(a=1), 2),
        "complex": pickle.dumps(1j, 2),
        "bytes": pickle.dumps(b"abc", 2),
        "set": pickle.dumps({1}, 4),
        "tuple": pickle.dumps((1, 2), 2),
    }


def test_hostile_pickles_are_refused_and_do_nothing(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    for name, content in hostile(marker).items():
        with pytest.raises(AnnotationError, match=r"refs\(unc\)\.p: has the instruction \w+ at byte \d+"):
            load(tmp_path, content)
        assert not marker.exists(), name


def test_the_marker_would_appear(tmp_path: Path) -> None:
    """The pickles above are real: Python's own unpickler runs them."""
    for name in ("system 0", "eval 4", "instance", "object"):
        marker = tmp_path / name.replace(" ", "")
        pickle.loads(hostile(marker)[name])
        assert marker.exists()


def test_the_unpickler_itself_refuses_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the look at the instructions, the second guard holds."""
    monkeypatch.setattr(restricted_pickle, "_check_instructions", lambda content, path: None)
    marker = tmp_path / "marker"
    for name, content in hostile(marker).items():
        if "extension" not in name and name not in ("buffer", "bytes", "set", "tuple", "persistent"):
            with pytest.raises(AnnotationError, match="is no pickle that can be read: names"):
                load(tmp_path, content)
    assert not marker.exists()


BOMBS = {
    "text": b"\x80\x04\x8d" + struct.pack("<Q", 2**62) + b"abc.",
    "text, signed": b"\x80\x02T" + struct.pack("<i", -1) + b"abc.",
    "short text": b"\x80\x04\x8c\xffabc.",
    "bytes": b"\x80\x04\x8e" + struct.pack("<Q", 2**40) + b"abc.",
    "bytearray": b"\x80\x05\x96" + struct.pack("<Q", 2**40) + b"abc.",
    "frame": b"\x80\x04\x95" + struct.pack("<Q", 2**40) + b"N.",
    "number of a value": b"\x80\x02]r" + struct.pack("<I", 2**31) + b".",
    "number of a value, as text": b"(lp999999999\n.",
    "huge number of a value, as text": b"(lp" + b"9" * 4000 + b"\n.",
    "whole number": b"\x80\x02\x8a\xff" + b"\x7f" * 255 + b".",
    "long whole number": b"\x80\x02\x8b" + struct.pack("<i", 2**30) + b"\x7f.",
    "whole number, as text": b"I" + b"9" * 10_000 + b"\n.",
    "newer protocol": b"\x80\x09N.",
    "no end": b"\x80\x02]",
    "no line end": b"S'abc",
    "behind the end": b"N.N.",
}


@pytest.mark.parametrize("name", BOMBS)
def test_what_declares_more_than_it_holds_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(AnnotationError, match="only lists, dicts, texts and numbers"):
        load(tmp_path, BOMBS[name])


def nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth - 1):
        value = [value]
    return value


def test_deep_nesting_is_refused(tmp_path: Path) -> None:
    assert load(tmp_path, pickle.dumps(nested(MAX_DEPTH), 2)) == nested(MAX_DEPTH)
    with pytest.raises(AnnotationError, match=f"nested more than {MAX_DEPTH} deep"):
        load(tmp_path, pickle.dumps(nested(MAX_DEPTH + 1), 2))
    for deep in (b"\x80\x02" + b"]" * 300_000 + b"a" * 299_999 + b".", b"(l" * 100_000 + b"a" * 99_999 + b"."):
        with pytest.raises(AnnotationError, match="nested"):
            load(tmp_path, deep)


def test_rings_and_lists_within_lists_are_refused(tmp_path: Path) -> None:
    """Few bytes that would be endless, or 10^10 values, if they were written out."""
    ring: list[Any] = []
    ring.append(ring)
    laughs: list[Any] = ["ha"] * 10
    for _ in range(10):
        laughs = [laughs] * 10
    wide: list[Any] = [["ha"] * 1000] * 1000
    for value in (ring, laughs, wide):
        with pytest.raises(AnnotationError, match="more values than it has bytes"):
            load(tmp_path, pickle.dumps(value, 2))
    words = ["left", "man"]
    assert load(tmp_path, pickle.dumps([{"a": words}, {"a": words}], 2)) == [{"a": words}] * 2


def test_many_lists_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = pickle.dumps([[], {}, []], 2)
    monkeypatch.setattr(restricted_pickle, "MAX_HOLDERS", 4)
    assert load(tmp_path, content) == [[], {}, []]
    monkeypatch.setattr(restricted_pickle, "MAX_HOLDERS", 3)
    with pytest.raises(AnnotationError, match="more than 3 lists and dicts"):
        load(tmp_path, content)


def test_files_that_are_none(tmp_path: Path) -> None:
    path = tmp_path / "x.p"
    with pytest.raises(AnnotationError, match=r"x\.p: no such file"):
        load_plain_pickle(path)
    with pytest.raises(AnnotationError, match="is no file"):
        load_plain_pickle(tmp_path)
    path.write_bytes(b"")
    with pytest.raises(AnnotationError, match="is empty"):
        load_plain_pickle(path)
    path.write_bytes(pickle.dumps(["a" * 100], 2))
    with pytest.raises(AnnotationError, match="more than 50"):
        load_plain_pickle(path, max_bytes=50)


@FEW
@given(content=st.binary(min_size=1, max_size=80))
def test_random_bytes_raise_nothing_else(tmp_path: Path, content: bytes) -> None:
    attempt(tmp_path, content)


KNOWN = "".join([*restricted_pickle._FIXED, *restricted_pickle._COUNTED, *restricted_pickle._LINES, "]l}d\x8a"])


@settings(FEW, max_examples=300)
@given(program=st.lists(st.sampled_from([*KNOWN, "0", "1", "\n", "'a'\n", "\x00", "\x01"]), max_size=40))
def test_random_programs_raise_nothing_else(tmp_path: Path, program: list[str]) -> None:
    """Of the instructions that pass, in any order: stack underflow, unhashable keys, items set on numbers."""
    attempt(tmp_path, "".join(program).encode("latin-1") + b".")


@settings(FEW, max_examples=150)
@given(data=st.data())
def test_changed_pickles_raise_nothing_else(tmp_path: Path, data: st.DataObject) -> None:
    rows = [{"sent_ids": [1, 2], "split": "train", "sentences": [{"sent": "left man", "tokens": ["left", "man"]}]}] * 3
    content = bytearray(pickle.dumps([dict(row) for row in rows], data.draw(st.integers(0, 5))))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    del content[data.draw(st.integers(1, len(content))) :]
    attempt(tmp_path, bytes(content))
