"""Which gap each question belongs to, when clusters are made anew: a gap keeps its id, and what somebody has worked on.

Clusters come from vectors, and vectors from a model; gaps are known by their questions alone. So another model, which
makes other clusters, finds the same gaps.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class Plan:
    """`members` maps questions to gaps that there are; `new` are sets of questions that become gaps."""

    members: Mapping[UUID, UUID]
    new: tuple[frozenset[UUID], ...]


def plan(clusters: Sequence[Set[UUID]], members: Mapping[UUID, UUID], settled: Set[UUID]) -> Plan:
    """Where the questions of the clusters go. `members` maps questions to their gaps; clusters have none in common.

    `settled` are the gaps about which somebody has done something: none of their questions is taken away, and they take
    in all that is found beside one of theirs. Each of the others becomes at most one cluster: the one with which it has
    most in common, and the larger its share the sooner. What is left becomes a gap of its own. Done twice, the second
    time changes nothing.
    """
    found: dict[UUID, UUID] = {}
    loose: list[frozenset[UUID]] = []
    for cluster in clusters:
        kept = {question: members[question] for question in cluster if members.get(question) in settled}
        free = frozenset(cluster) - kept.keys()
        found |= kept
        if kept:
            home = _most_frequent(list(kept.values()))
            found |= dict.fromkeys(free, home)
        elif free:
            loose.append(free)
    homes = dict(_homes(loose, members))
    for number, home in homes.items():
        found |= dict.fromkeys(loose[number], home)
    return Plan(found, tuple(cluster for number, cluster in enumerate(loose) if number not in homes))


def _most_frequent(gaps: Sequence[UUID]) -> UUID:
    return min(set(gaps), key=lambda gap: (-gaps.count(gap), gap))


def _homes(clusters: Sequence[frozenset[UUID]], members: Mapping[UUID, UUID]) -> Iterator[tuple[int, UUID]]:
    """Pairs of a cluster, by its number, and a gap: each at most once, those that have most in common first."""
    common: dict[tuple[int, UUID], int] = {}
    for number, cluster in enumerate(clusters):
        for question in cluster & members.keys():
            pair = number, members[question]
            common[pair] = common.get(pair, 0) + 1
    taken: set[int | UUID] = set()
    for number, gap in sorted(common, key=lambda pair: (-common[pair], pair[1], min(clusters[pair[0]]))):
        if number not in taken and gap not in taken:
            taken |= {number, gap}
            yield number, gap
