"""Step: predict an outcome from ratings, or from the disagreement of the sources of a study."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from overread.errors import SettingsError
from overread.evaluation.crowd_results import CrowdEvaluation, MeasuredTable
from overread.evaluation.crowd_settings import CrowdSettings
from overread.presets.crowd import DEFAULT_CROWD_PRESET, CrowdPreset, read_crowd_preset
from overread.settings import Settings
from overread.steps.fetch_table import fetch_table
from overread.steps.output_folder import check_is_outside_labels
from overread.study.digest import (
    compute_file_digest,
    compute_images_digest,
    compute_source_digest,
    compute_study_digest,
)
from overread.study.study import Study

if TYPE_CHECKING:
    from overread.evaluation.case_features import LabelledCases
    from overread.evaluation.crowd_disagreement import CrowdAnalysis
    from overread.study.outcomes import Outcome

EVALUATION_FILE = "evaluation.json"
ORIGIN_FILE = "origin.yaml"
CASES_FILE, AUC_FILE, PERMUTED_FILE = "cases.csv", "fold_auc.csv", "permuted_auc.csv"


class DisagreementChoice(Settings):
    """What a user chooses about an analysis of disagreement."""

    outcome: str = Field("", description="column with the outcome; empty for the only one, or that of study.yaml")
    positive: str = Field("", description="value of the positive class; empty for 1, yes, true, … or the last by name")
    columns: str = Field("", description="pattern of the columns of a wide table; guessed if empty")
    sources: tuple[str, ...] = Field((), description="of a study; empty for all that are not derived from others")
    preset: str = DEFAULT_CROWD_PRESET
    folds: int = Field(0, ge=0, description="of the cross-validation; 0 for those of the preset")
    seed: int = Field(0, ge=0, description="of folds and permutations")


class AnalysisOrigin(Settings):
    """Where an analysis comes from.

    Attributes:
        name: of the table or study.
        digest: SHA-256 over what was read.
        digests: SHA-256 of each table, or over the masks of each source.
        choice: what the user chose.
        preset: the settings by that name.
    """

    name: str
    digest: str
    digests: dict[str, str]
    choice: DisagreementChoice
    preset: CrowdPreset


def run(
    choice: DisagreementChoice, *, ratings: str, outcomes: str, study_folder: Path | None, output: Path
) -> CrowdEvaluation:
    """Analyse a table of ratings or a study, whichever is given.

    Args:
        choice: outcome, features, preset and seed.
        ratings: see `run_on_ratings`; empty for a study.
        outcomes: see `run_on_ratings`; empty for a study.
        study_folder: see `run_on_study`; None for a table of ratings.
        output: gets `evaluation.json`, `origin.yaml` and the tables; files of these names are replaced.

    Raises:
        SettingsError: both are given, or neither, or half of a pair.
        InputError: the output folder lies among the labels of the study.
    """
    if study_folder is not None and not ratings and not outcomes:
        check_is_outside_labels(study_folder, output)
        return run_on_study(study_folder, choice, output=output)
    if study_folder is None and ratings and outcomes:
        return run_on_ratings(ratings, outcomes, choice, output=output)
    given = {"ratings": ratings, "outcomes": outcomes, "study": study_folder}
    raise SettingsError(
        "either ratings and outcomes or a study must be given",
        found=", ".join(name for name, value in given.items() if value) or "neither",
    )


def run_on_ratings(ratings: str, outcomes: str, choice: DisagreementChoice, *, output: Path) -> CrowdEvaluation:
    """Analyse a table of ratings.

    Args:
        ratings: path or s3:// URL of a long or wide CSV table.
        outcomes: path or s3:// URL of a CSV table with a binary column.
        choice: outcome, pattern of columns, preset and seed.
        output: gets `evaluation.json`, `origin.yaml` and the tables; files of these names are replaced.

    Raises:
        InputError: a table or a setting breaks a rule.
    """
    from overread.evaluation.case_features import check_annotators_differ, label_cases
    from overread.evaluation.rating_features import collect_rating_features
    from overread.study.outcomes import read_outcomes
    from overread.study.ratings_table import read_ratings

    preset = choose_preset(choice)
    with tempfile.TemporaryDirectory(prefix="overread-tables-") as scratch:
        paths = [fetch_table(address, Path(scratch) / name) for name, address in (("r", ratings), ("o", outcomes))]
        rated = read_ratings(paths[0], pattern=choice.columns)
        outcome = read_outcomes(paths[1], column=choice.outcome, positive=choice.positive)
        digests = {"ratings": compute_file_digest(paths[0]), "outcomes": compute_file_digest(paths[1])}
    cases = label_cases(collect_rating_features(rated), outcome)
    check_annotators_differ(cases, rated.annotators)
    table = MeasuredTable(
        kind="ratings",
        name=paths[0].stem,
        columns=len(cases.features.columns),
        annotators=rated.annotators,
        features=rated.features,
        layout=rated.layout,
        ignored=rated.ignored,
    )
    digest = compute_study_digest("ratings", digests)
    origin = AnalysisOrigin(name=paths[0].stem, digest=digest, digests=digests, choice=choice, preset=preset)
    return _analyse(cases, outcome, table, origin, output)


def run_on_study(study_folder: Path, choice: DisagreementChoice, *, output: Path) -> CrowdEvaluation:
    """Analyse the disagreement of the sources of a study.

    Args:
        study_folder: the study.
        choice: outcome (a binary column of `cases.csv`), sources, preset and seed.
        output: as in `run_on_ratings`; not among the study's labels.

    Raises:
        InputError: a source, the outcome or a setting breaks a rule.
        StudyError: the folder is no study.
    """
    from overread.evaluation.case_features import label_cases
    from overread.evaluation.source_disagreement import SPREADS, measure_source_disagreement
    from overread.study.outcomes import select_outcome

    check_is_outside_labels(study_folder, output)
    study, preset = Study.open(study_folder), choose_preset(choice)
    sources = study.select_sources(choice.sources)
    column = choice.outcome or study.settings.ratings_outcome or ""
    outcome = select_outcome(study.cases, column=column, positive=choice.positive)
    cases = label_cases(measure_source_disagreement(study, sources), outcome)
    table = MeasuredTable(
        kind="sources",
        name=study.settings.name,
        columns=len(cases.features.columns),
        annotators=sources,
        features=SPREADS,
    )
    digests = {name: compute_source_digest(study, name) for name in sources}
    digest = compute_study_digest(compute_images_digest(study), digests)
    origin = AnalysisOrigin(name=study.settings.name, digest=digest, digests=digests, choice=choice, preset=preset)
    return _analyse(cases, outcome, table, origin, output)


def choose_preset(choice: DisagreementChoice) -> CrowdPreset:
    """The preset by name, with the chosen number of folds.

    Raises:
        SettingsError: there is no such preset, or a number breaks a rule.
    """
    preset = read_crowd_preset(choice.preset)
    if not choice.folds:
        return preset
    values = preset.analysis.model_dump() | {"folds": choice.folds}
    return preset.model_copy(update={"analysis": CrowdSettings.parse(values, where="folds")})


def read_origin(folder: Path) -> AnalysisOrigin:
    """Read where the analysis in a folder comes from."""
    return AnalysisOrigin.read_yaml(folder / ORIGIN_FILE)


def read_analysis(folder: Path) -> "CrowdAnalysis":
    """Read what a run wrote; names of cases stay text."""
    import pandas as pd

    from overread.evaluation.crowd_disagreement import CrowdAnalysis

    text = {"case_id": str, "subject_id": str, "outcome": str}
    return CrowdAnalysis(
        evaluation=CrowdEvaluation.model_validate_json((folder / EVALUATION_FILE).read_text(encoding="utf-8")),
        cases=pd.read_csv(folder / CASES_FILE, dtype=text, keep_default_na=False),
        fold_auc=pd.read_csv(folder / AUC_FILE),
        permuted=pd.read_csv(folder / PERMUTED_FILE),
    )


def _analyse(
    cases: "LabelledCases", outcome: "Outcome", table: MeasuredTable, origin: AnalysisOrigin, output: Path
) -> CrowdEvaluation:
    from overread.evaluation.crowd_disagreement import analyse_disagreement

    found = analyse_disagreement(
        cases,
        outcome=outcome,
        table=table,
        settings=origin.preset.analysis,
        seed=origin.choice.seed,
    )
    output.mkdir(parents=True, exist_ok=True)
    origin.write_yaml(output / ORIGIN_FILE)
    for name, frame in ((CASES_FILE, found.cases), (AUC_FILE, found.fold_auc), (PERMUTED_FILE, found.permuted)):
        frame.to_csv(output / name, index=False, lineterminator="\n")
    (output / EVALUATION_FILE).write_text(found.evaluation.model_dump_json(indent=1), encoding="utf-8")
    return found.evaluation
