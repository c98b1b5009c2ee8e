"""Minimum-cost assignment that breaks ties as the solver of the published HigherHRNet does.

Costs in tag grouping are integers times 100 minus a score. When every candidate finds a person the scores cancel and
only integers remain, so several assignments often cost the same; which one is taken decides who gets which joint. Two
correct solvers may differ there (measured: in a quarter of random scenes), so results equal the published ones only
with the same order of search.

The algorithm is Munkres' (J. SIAM 5(1), 1957) in matrix form: stars are the assignment so far, primes the candidates
to change it. Rows of the zero pattern are integers used as bit sets, which makes the searches cheap in Python; numpy is
used where the whole matrix changes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_NONE = -1


def assign(cost: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Pairs (row, column) of least total cost, in row order; min(N, M) of them.

    Args:
        cost: [N, M] finite costs. The smaller side is padded with zeros.

    Raises:
        ValueError: A cost is not finite, or the array is not a matrix.
    """
    cost = np.asarray(cost, dtype=np.float64)
    if cost.ndim != 2:
        raise ValueError(f"costs must be a matrix, got shape {cost.shape}")
    if not np.isfinite(cost).all():
        raise ValueError("costs must be finite")
    rows, columns = cost.shape
    if cost.size == 0:
        return []
    square = np.zeros((max(rows, columns),) * 2)
    square[:rows, :columns] = cost
    return [(i, j) for i, j in enumerate(_Solver(square).solve()[:rows]) if j < columns]


class _Solver:
    """State of one square problem. Sets of columns are bit sets: bit j stands for column j.

    Args:
        cost: [N, N], overwritten.
    """

    def __init__(self, cost: NDArray[np.float64]) -> None:
        self.cost = cost
        self.n = len(cost)
        self.all = (1 << self.n) - 1
        self.star_of_row = [_NONE] * self.n
        self.star_of_column = [_NONE] * self.n
        self.zeros: list[int] = []

    def solve(self) -> list[int]:
        """The column of each row."""
        self.cost -= self.cost.min(axis=1, keepdims=True)
        self._find_zeros()
        self._star_greedily()
        while _NONE in self.star_of_row:
            self._augment()
        return self.star_of_row

    def _find_zeros(self) -> None:
        packed = np.packbits(self.cost == 0.0, axis=1, bitorder="little")
        self.zeros = [int.from_bytes(row.tobytes(), "little") for row in packed]

    def _star_greedily(self) -> None:
        """Star the first zero of each row whose column is still free."""
        free = self.all
        for i, zeros in enumerate(self.zeros):
            if candidates := zeros & free:
                lowest = candidates & -candidates
                free ^= lowest
                self._star(i, lowest.bit_length() - 1)

    def _star(self, row: int, column: int) -> None:
        self.star_of_row[row] = column
        self.star_of_column[column] = row

    def _augment(self) -> None:
        """Add one star: prime uncovered zeros until one has no star in its row, then flip the path that ends there."""
        covered_rows = [False] * self.n
        open_columns = sum(1 << j for j, i in enumerate(self.star_of_column) if i == _NONE)
        prime_of_row = [_NONE] * self.n
        row = column = 0
        while True:
            found = self._open_zero(row, column, covered_rows, open_columns)
            if found is None:
                self._shift(covered_rows, open_columns)
                row = column = 0  # the search starts over from the first cell
                continue
            row, column = found
            prime_of_row[row] = column
            star = self.star_of_row[row]
            if star == _NONE:
                self._flip_path(row, prime_of_row)
                return
            covered_rows[row] = True
            open_columns |= 1 << star
            column = star  # the search goes on from the star

    def _open_zero(self, row: int, column: int, covered: list[bool], open_columns: int) -> tuple[int, int] | None:
        """The zero the search meets: rows cyclically from ``row``; in a row the *last* one, cyclically from ``column``.

        That the last and not the first zero of a row counts is what sets this order apart from the textbook's.
        """
        before = (1 << column) - 1
        for i in (*range(row, self.n), *range(row)):
            if not covered[i] and (candidates := self.zeros[i] & open_columns):
                return i, ((candidates & before) or candidates).bit_length() - 1
        return None

    def _shift(self, covered_rows: list[bool], open_columns: int) -> None:
        """Make a new zero: the least open cost is added to covered rows and taken from open columns.

        Cells in both get both steps, one after the other; their rounding is part of the result, as zeros are exact.
        """
        covered = np.array(covered_rows)
        is_open = np.array([open_columns >> j & 1 for j in range(self.n)], dtype=bool)
        least = self.cost[np.ix_(~covered, is_open)].min()
        self.cost[covered] += least
        self.cost[:, is_open] -= least
        self._find_zeros()

    def _flip_path(self, row: int, prime_of_row: list[int]) -> None:
        """Make the prime a star; the star it displaces in its column gives way to its own row's prime; and so on."""
        while row != _NONE:
            column = prime_of_row[row]
            displaced = self.star_of_column[column]
            self._star(row, column)
            row = displaced
