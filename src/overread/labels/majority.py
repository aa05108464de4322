"""The majority of votes."""

from overread.labels.vote_patterns import VotePatterns
from overread.types import Mask


def vote_by_majority(patterns: VotePatterns) -> Mask:
    """Label the voxels that more than half of the raters label, (*S); a tie is background.

    Two raters thus agree on what both label.
    """
    painted: Mask = patterns.paint(2 * patterns.votes.sum(axis=1) > patterns.rater_count)
    return painted


def count_ties(patterns: VotePatterns) -> int:
    """Voxels that exactly half of the raters label."""
    return int(patterns.counts[2 * patterns.votes.sum(axis=1) == patterns.rater_count].sum())
