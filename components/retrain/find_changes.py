"""Component: find out which networks have new labels to learn."""

from typing import NamedTuple

from kfp import dsl

from components.image import step_component


@step_component
def find_changes(
    study_uri: str,
    revision: str,
    sources: str,
    mixes: str,
    reference: str,
    preset: str,
    epochs: int,
    dice_margin: float,
    load_bias_limit: float,
    risk: float,
    changes: dsl.Output[dsl.Artifact],
) -> NamedTuple("Found", [("changed", str), ("revision", str), ("sources", str)]):
    """Compare the labels of a revision with those that the champions learnt, by digests alone."""
    from pathlib import Path

    from overread.questions.retrain.records import RetrainingChoice
    from overread.questions.retrain.steps import find_changes as step
    from overread.runs.surroundings import locate_store
    from overread.settings import split_list

    values = {"sources": split_list(sources), "mixes": split_list(mixes), "reference": reference, "preset": preset}
    gate = {"dice_margin": dice_margin, "load_bias_limit": load_bias_limit, "risk": risk}
    choice = RetrainingChoice.parse(values | {"epochs": epochs, "gate": gate}, where="retrain")
    found = step.run(study_uri, revision, choice, changes_file=Path(changes.path), store=locate_store())
    return ",".join(kept.labels for kept in found.to_train), found.revision, ",".join(found.needed_sources)
