"""The first token of an answer, decided by a threshold."""

import torch

from hawkeye_core.model.opening import Opening


def test_none_opens_exactly_where_the_rest_is_unlikely() -> None:
    logits = torch.tensor([[2.0, 0.0, 1.0], [5.0, 0.0, 1.0], [-1.0, 0.0, 3.0]])
    for threshold in (0.05, 0.3, 0.9):
        chosen = Opening(0, threshold=threshold)(torch.zeros(3, 0, dtype=torch.long), logits).argmax(-1)
        for row, token in zip(logits, chosen.tolist(), strict=True):
            other = 1 - (row[0].exp() / row.exp().sum())
            assert (token != 0) == bool(other >= threshold)
            assert token in (0, int(row[1:].argmax()) + 1)


def test_only_the_first_token_is_decided() -> None:
    opening = Opening(0, threshold=0.1)
    first = torch.tensor([[9.0, 0.0, 5.0]])
    assert opening(torch.zeros(1, 0, dtype=torch.long), first).argmax() == 0
    assert torch.equal(opening(torch.zeros(1, 1, dtype=torch.long), first), first)
