"""Groups of object classes that geometric predicates distinguish: who can hold, what can be held, sat on, ridden ..."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from hawkeye_core.relation.vocabulary import EXTENDED_OBJECT_CLASSES, OBJECT_INDEX


def _group(names: str) -> frozenset[str]:
    group = frozenset(name.strip() for name in names.split(","))
    if unknown := group - set(OBJECT_INDEX):
        raise ValueError(f"not in the vocabulary: {sorted(unknown)}")
    return group


PERSONS = _group("boy, child, girl, guy, kid, lady, man, men, people, person, player, skier, woman")
MOUNTS = _group("bicycle, bike, elephant, horse, motorcycle, skateboard, ski, skis, snowboard, surfboard")
SEATS = _group("bed, bench, chair, couch, seat, toilet")
SMALL_THINGS = _group(
    "apple, banana, baseball bat, book, bottle, bowl, box, carrot, cell phone, cup, donut, flag, food, fork, frisbee, "
    "glass, hair drier, hot dog, kite, knife, laptop, mouse, orange, paper, phone, pizza, plate, racket, remote, "
    "sandwich, scissors, spoon, sports ball, teddy bear, tennis racket, toothbrush, umbrella, wine glass"
)
BAGS = _group("backpack, bag, basket, handbag, suitcase")
CLOTHES = _group(
    "baseball glove, boot, cap, coat, glove, hat, helmet, jacket, jean, pant, shirt, shoe, short, sneaker, sock, tie"
)
VEHICLES = _group("airplane, boat, bus, car, plane, train, truck, vehicle")
VESSELS = _group("backpack, bag, basket, bowl, box, cup, drawer, handbag, pot, sink, suitcase, vase")
SUPPORTS = _group(
    "bed, bench, board, cabinet, chair, counter, couch, desk, dining table, plate, rock, roof, seat, shelf, sidewalk, "
    "stand, street, table"
)


@cache
def member(names: frozenset[str]) -> NDArray[np.bool_]:
    """[classes] whether each class of ``EXTENDED_OBJECT_CLASSES`` is in the group; shared, so read-only."""
    table = np.array([name in names for name in EXTENDED_OBJECT_CLASSES])
    table.flags.writeable = False
    return table
