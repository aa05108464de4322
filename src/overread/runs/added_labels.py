"""What became of masks that were handed in."""

from dataclasses import dataclass


@dataclass(frozen=True)
class AddedLabels:
    """What became of a delivery.

    Attributes:
        source: the source that the masks belong to.
        new: cases that the source had not labelled.
        replaced: cases that it had labelled otherwise.
        identical: cases whose masks were left alone.
        new_cases: cases that the study lacked.
        notes: what else someone should know.
        is_dry_run: whether nothing was written, whatever differs.
        commit: the commit that holds them; None where none was made.
        upstream: git branch that holds it too; None where the study follows none.
    """

    source: str
    new: tuple[str, ...]
    replaced: tuple[str, ...]
    identical: tuple[str, ...]
    new_cases: tuple[str, ...]
    notes: tuple[str, ...]
    is_dry_run: bool = False
    commit: str | None = None
    upstream: str | None = None

    def describe(self) -> str:
        """Say it for people, a line for each thing."""
        groups = {"new": self.new, "replaced": self.replaced, "identical": self.identical}
        lines = [f"{self.source}: {', '.join(f'{len(case_ids)} {what}' for what, case_ids in groups.items())}"]
        groups |= {"new cases of the study": self.new_cases}
        lines += [f"{what}: {', '.join(case_ids)}" for what, case_ids in groups.items() if case_ids]
        lines += [f"note: {note}" for note in self.notes]
        return "\n".join([*lines, *self._describe_commit()])

    def _describe_commit(self) -> list[str]:
        if self.is_dry_run:
            return ["every check passed; nothing was written"]
        if self.commit is None:
            return ["nothing differs, so that no commit was made"]
        pushed = f"pushed to {self.upstream}" if self.upstream else "not pushed, for the study has no git remote"
        return [f"commit {self.commit}, {pushed}"]
