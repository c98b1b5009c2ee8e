"""Scene graphs of a batch as one disjoint graph: our offsets against torch_geometric's ``Batch.from_data_list``.

8 windows of 512 frames, up to 20 objects and 30 relations a frame. Ours is what training runs: from the windows' cached
columns to the edges of the whole batch, repeated edges counted once. The reference does the same work through PyG, with
one ``Data`` a frame: its making from the columns, ``Batch.from_data_list``, and `coalesce` once on the whole batch.
`ready` leaves all but ``Batch.from_data_list`` out of the reference: graphs made and cleaned beforehand. Both must give
the same edges and the same output of a ``GCNConv``. Sides take turns; figures are medians of ratios.

    python tests/benchmarks/bench_graph_batch.py [--windows 8] [--frames 512] [--rounds 5] [--json]
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch_geometric.data import Batch, Data
from torch_geometric.nn import GCNConv
from torch_geometric.utils import coalesce

from feature_store.window import RelationTensors
from hawkeye_core.model.relation_graph import graph_edges
from hawkeye_core.training.scene_tensors import _graph

OBJECTS, RELATIONS, WIDTH = 20, 30, 64


def made_up(frames: int, seed: int) -> RelationTensors:
    """Columns of one window."""
    g = torch.Generator().manual_seed(seed)
    n_objects = torch.randint(0, OBJECTS + 1, (frames,), generator=g)
    n_relations = torch.randint(0, RELATIONS + 1, (frames,), generator=g) * (n_objects > 0)
    s, r = int(n_objects.sum()), int(n_relations.sum())
    limit = torch.repeat_interleave(n_objects, n_relations)
    ends = [torch.randint(0, 1 << 30, (r,), generator=g) % limit for _ in range(2)]
    return RelationTensors(
        n_objects=n_objects, object_class=torch.randint(1, 150, (s,), generator=g), object_score=torch.rand(s),
        object_box=torch.rand(s, 4, generator=g), n_relations=n_relations, subject=ends[0],
        predicate=torch.randint(1, 50, (r,), generator=g), object=ends[1], relation_score=torch.rand(r),
    )  # fmt: skip


def offsets(windows: list[RelationTensors], size: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Edges, and frame of each object and each relation, as in training."""
    parts, first = [], 0
    for row, window in enumerate(windows):
        parts.append(_graph(window, size, row * len(size), first))
        first += len(window.object_class)
    frame, _, _, subject, _, object_ = (torch.cat(column) for column in zip(*parts, strict=True))
    return graph_edges(subject, object_, objects=len(frame), directed=False), frame, subject


def frame_graphs(windows: list[RelationTensors]) -> list[Data]:
    """One graph a frame; an edge may occur twice."""
    graphs = []
    for window in windows:
        counts = window.n_relations.tolist()
        ends = zip(window.subject.split(counts), window.object.split(counts), strict=True)
        for objects, (subject, object_) in zip(window.n_objects.tolist(), ends, strict=True):
            relation = torch.arange(objects, objects + len(subject))
            edges = torch.stack([torch.cat([subject, relation, relation, object_]),
                                 torch.cat([relation, object_, subject, relation])])  # fmt: skip
            graphs.append(Data(edge_index=edges, num_nodes=objects + len(subject)))
    return graphs


def through_pyg(windows: list[RelationTensors]) -> Batch:
    """The reference."""
    batch = Batch.from_data_list(frame_graphs(windows))
    batch.edge_index = coalesce(batch.edge_index)
    return batch


def seconds(call: Callable[[], Any]) -> float:
    """Of one call."""
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun


def same_graph(windows: list[RelationTensors], size: Tensor) -> float:
    """Largest difference of a GCN's output on both graphs; ends the benchmark if the edges differ."""
    edges, frame, subject = offsets(windows, size)
    whole = through_pyg(windows)
    n_objects = torch.cat([window.n_objects for window in windows])
    n_relations = torch.cat([window.n_relations for window in windows])
    first = (n_objects + n_relations).cumsum(0) - (n_objects + n_relations)
    owner = torch.repeat_interleave(torch.arange(len(n_relations)), n_relations)
    rank = torch.arange(len(frame)) - (n_objects.cumsum(0) - n_objects)[frame]
    place = torch.arange(len(subject)) - (n_relations.cumsum(0) - n_relations)[owner]
    theirs = torch.cat([first[frame] + rank, first[owner] + n_objects[owner] + place])  # our node -> PyG's
    key = theirs[edges[0]] * len(theirs) + theirs[edges[1]]
    other = whole.edge_index[0] * len(theirs) + whole.edge_index[1]
    if not torch.equal(key.sort().values, other.sort().values):
        raise SystemExit("the two graphs have other edges")
    torch.manual_seed(0)
    layer, x = GCNConv(WIDTH, WIDTH), torch.randn(len(theirs), WIDTH)
    with torch.no_grad():
        return float((layer(x[theirs], edges) - layer(x, whole.edge_index)[theirs]).abs().max())


def run(windows: int, frames: int, rounds: int) -> dict[str, Any]:
    """All figures."""
    columns = [made_up(frames, seed) for seed in range(windows)]
    size = torch.full((frames, 2), 640.0)
    difference = same_graph(columns, size)
    graphs = [graph.coalesce() for graph in frame_graphs(columns)]
    times = [(seconds(lambda: offsets(columns, size)), seconds(lambda: through_pyg(columns)),
              seconds(lambda: Batch.from_data_list(graphs))) for _ in range(rounds)]  # fmt: skip
    return {
        "windows": windows, "frames": frames, "nodes": sum(graph.num_nodes for graph in graphs),
        "offsets_ms": 1e3 * statistics.median(t[0] for t in times),
        "ratio": statistics.median(t[1] / t[0] for t in times),
        "ratio_ready": statistics.median(t[2] / t[0] for t in times), "gcn_difference": difference,
    }  # fmt: skip


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in (("windows", 8), ("frames", 512), ("rounds", 5)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    found = run(options.windows, options.frames, options.rounds)
    if options.json:
        print(json.dumps(found))
        return
    print(f"{found['windows']} windows of {found['frames']} frames, {found['nodes']} nodes; offsets "
          f"{found['offsets_ms']:.1f} ms; GCN outputs differ by {found['gcn_difference']:.1e}")  # fmt: skip
    print(f"through PyG / offsets: {found['ratio']:.1f} (goal >= 20); Batch.from_data_list alone on ready graphs "
          f"/ offsets: {found['ratio_ready']:.1f}")  # fmt: skip


if __name__ == "__main__":
    main()
