"""Step: find out which networks of a study have new labels to learn, from digests and the registry alone."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from overread.adapters.git import call_git, find_commit, open_git_repository
from overread.adapters.source_state import count_label_revisions, read_label_digests
from overread.adapters.study_fetch import export_commit
from overread.adapters.urls import hide_credentials
from overread.errors import InputError
from overread.questions.retrain.records import KeptNetwork, NetworkState, RetrainingChoice, StudyChanges
from overread.questions.retrain.steps.telemetry_retraining import tell_changes
from overread.runs.fingerprint import name_choice
from overread.runs.plan_trainings import apply_epochs
from overread.runs.progress import report_progress
from overread.study.study import Study
from overread.training.presets import Preset, read_preset

if TYPE_CHECKING:
    from overread.adapters.model_registry import RegisteredNetwork
    from overread.adapters.registry_records import NetworkVersion

MIX_SIGN = "+"


def list_label_choices(study: Study, choice: RetrainingChoice) -> dict[str, tuple[str, ...]]:
    """The sources of each network, by what it learns.

    Raises:
        InputError: a source is unknown, a mix is not a pair of different sources, or something is named twice.
    """
    names = study.select_sources(choice.sources)
    if not names:
        raise InputError("a study must have at least one source that is neither hidden nor derived", found="none")
    if choice.reference:
        study.select_sources((choice.reference,))
    found: dict[str, tuple[str, ...]] = {name: (name,) for name in names}
    for mix in choice.mixes:
        parts = _split_mix(study, mix)
        labels = MIX_SIGN.join(parts)
        if labels in found or labels in study.settings.sources:
            raise InputError("a mix must be named once, and unlike any source", found=repr(labels))
        found[labels] = parts
    return found


def _split_mix(study: Study, mix: str) -> tuple[str, ...]:
    parts = tuple(part.strip() for part in mix.split(MIX_SIGN))
    if len(parts) != 2:
        raise InputError("a mix must be a pair of sources, a+b", found=repr(mix))
    return study.select_sources(parts)


def run(study_uri: str, revision: str, choice: RetrainingChoice, *, changes_file: Path, store: str) -> StudyChanges:
    """Compare the labels of a revision with those that the champions and the newest challengers learnt.

    Neither images nor masks are fetched.

    Args:
        study_uri: folder or URL of the study's git repository.
        revision: commit, branch or tag; empty for the newest commit.
        choice: which networks there are.
        changes_file: gets what was found, as JSON.
        store: address of the result store.

    Raises:
        InputError: the choice breaks a rule.
        VersioningError: no such study or revision.
        TrackingError: MLflow cannot be reached or refused.
    """
    with open_git_repository(study_uri) as repository, tempfile.TemporaryDirectory(prefix="overread-look-") as scratch:
        commit = find_commit(repository, revision or "HEAD")
        plain = Path(scratch) / "study"
        export_commit(repository, commit, plain)
        study = Study.open(plain)
        recipe = compute_recipe(apply_epochs(read_preset(choice.preset, folder=plain), choice.epochs))
        changes = StudyChanges(
            study=study.settings.name,
            study_uri=hide_credentials(study_uri),
            revision=commit,
            recipe=recipe,
            choice=choice,
            networks=_look_at_networks(study, choice, repository, commit, recipe),
        )
    changes.write(changes_file)
    tell_changes(changes, store=store)
    for network in changes.networks:
        report_progress(f"{network.labels}: {network.describe_state()}")
    return changes


def compute_recipe(preset: Preset) -> str:
    """SHA-256 over what a preset says of network, training and inference."""
    included = {"network", "training", "inference", "validation_fraction"}
    parts = {"preset": preset.model_dump(mode="json", include=included)}
    return name_choice("recipe", parts)


def _look_at_networks(
    study: Study, choice: RetrainingChoice, repository: Path, commit: str, recipe: str
) -> tuple[KeptNetwork, ...]:
    from overread.adapters.model_registry import CHAMPION, connect_registry

    registry, digests = connect_registry(), read_label_digests(repository, commit)
    found = []
    for labels, sources in list_label_choices(study, choice).items():
        reference = choice.reference or sources[0]
        kept = KeptNetwork(
            labels=labels,
            sources=sources,
            reference=reference,
            model=f"{study.settings.name}-{labels}",
            digests=_select_digests(digests, sources, commit),
            reference_digest=_select_digests(digests, [reference], commit)[reference],
        )
        registered = registry.look_up(kept.model)
        champion = registered.find(CHAMPION)
        kept = _add_history(kept, registered)
        if champion is not None:
            kept = _add_champion(kept, champion, repository, commit)
        terms = kept.describe_terms(choice.gate)
        found.append(kept.model_copy(update={"state": _find_state(kept, champion, registered.versions, recipe, terms)}))
    return tuple(found)


def _add_history(kept: KeptNetwork, registered: "RegisteredNetwork") -> KeptNetwork:
    held = registered.held
    since = held.last_event.at.timestamp() if held and held.last_event else None
    champions = tuple(version.version for version in registered.list_champions())
    return kept.model_copy(update={"champions": champions, "held": held.version if held else None, "held_since": since})


def _select_digests(digests: Mapping[str, str], sources: Sequence[str], commit: str) -> dict[str, str]:
    for source in sources:
        if source not in digests:
            raise InputError(
                "the masks of a source must be recorded with DVC",
                found=f"none at commit {commit[:7]}",
                where=f"source {source!r}",
                hint="`overread study commit` records them",
            )
    return {source: digests[source] for source in sources}


def _add_champion(kept: KeptNetwork, champion: "NetworkVersion", repository: Path, commit: str) -> KeptNetwork:
    promotion, since = champion.promotion, champion.origin.revision
    is_current = champion.origin.labels == kept.digests
    return kept.model_copy(
        update={
            "champion": champion.version,
            "champion_revision": since,
            "champion_since": promotion.at.timestamp() if promotion else None,
            "champion_is_later": _follows(repository, since, commit),
            "revisions_behind": 0 if is_current else _count_behind(kept, repository, commit, since),
        }
    )


def _follows(repository: Path, later: str, earlier: str) -> bool:
    """Whether a commit comes after another in the history; not where the repository has forgotten one of them."""
    is_ancestor = call_git("merge-base", "--is-ancestor", earlier, later, folder=repository).returncode == 0
    return is_ancestor and later != earlier


def _count_behind(kept: KeptNetwork, repository: Path, commit: str, since: str) -> int:
    """Revisions with other labels since a commit; 1 where the repository has forgotten that commit."""
    if call_git("cat-file", "-e", f"{since}^{{commit}}", folder=repository).returncode:
        return 1
    return max(1, count_label_revisions(repository, kept.sources, since, commit))


def _find_state(
    kept: KeptNetwork,
    champion: "NetworkVersion | None",
    versions: Sequence["NetworkVersion"],
    recipe: str,
    terms: str,
) -> NetworkState:
    """What the newest decision about these labels was; a version without one was interrupted and is looked at again.

    Labels that come back are judged anew, unless a human took back or refused what learnt them.
    """

    def settles(version: "NetworkVersion") -> bool:
        is_same = version.origin.labels == kept.digests and version.origin.recipe == recipe
        return is_same and version.is_decided(terms) and not version.waits_for_its_alias(kept.champion)

    if champion is not None and settles(champion):
        return "current"
    if any(settles(version) for version in versions if version is versions[0] or version.is_dismissed):
        return "held" if versions[0].is_held and settles(versions[0]) else "judged"
    return "new" if champion is None else "changed"
