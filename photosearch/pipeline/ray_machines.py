"""The machines of a cluster, as the run sees them, and what their workers were asked; Ray itself is not needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from photosearch.library import Pending

MOST_AT_ONCE = 8  # batches that a machine observes at once, as `observer.N_AT_ONCE`

Batch = Sequence[Pending]


@dataclass
class Machine:
    """A node of the cluster, and its worker."""

    node_id: str
    name: str  # for people
    n_cores: int
    has_gpu: bool
    actor: Any = None
    is_ready: bool = False
    is_dismissed: bool = False
    began: float = 0.0  # when its worker was asked to start
    restart_at: float = 0.0
    n_deaths: int = 0  # of its workers without a result in between
    n_ended: int = 0  # of its workers in the whole run
    in_flight: int = 0

    @property
    def n_at_once(self) -> int:
        """Return how many batches it observes at once; one more is read meanwhile."""
        return min(self.n_cores, MOST_AT_ONCE)


@dataclass(frozen=True)
class Asked:
    """What a worker was asked."""

    machine: Machine
    step: str  # "version", "start", "clock" or "batch"
    at: float  # when, in seconds since 1970
    batch: Batch = field(default=())


def clock_error(sent_s: float, received_s: float, told_s: float) -> float:
    """Return by how many seconds two clocks differ at least: `told_s` was read between the two others."""
    return max(sent_s - told_s, told_s - received_s, 0.0)


def machine_of(node: dict[str, Any]) -> Machine:
    """Return the machine of a node, as `ray.nodes` describes it."""
    resources = node["Resources"]
    name = f"{node['NodeManagerHostname']} ({node['NodeManagerAddress']})"
    return Machine(node["NodeID"], name, int(resources["CPU"]), resources.get("GPU", 0) >= 1)
