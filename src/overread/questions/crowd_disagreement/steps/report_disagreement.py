"""Step: the whole analysis of disagreement on this machine, from tables or a study to the page."""

import tempfile
from pathlib import Path

from overread.questions.crowd_disagreement.steps.analyse_disagreement import analyse, identify_analysis
from overread.questions.crowd_disagreement.steps.annotation_data import AnnotationData, check_one_kind_is_given
from overread.questions.crowd_disagreement.steps.crowd_analysis_files import write_analysis, write_origin
from overread.questions.crowd_disagreement.steps.disagreement_choice import DisagreementChoice
from overread.questions.crowd_disagreement.steps.fetch_annotations import UNVERSIONED
from overread.questions.crowd_disagreement.steps.fetch_table import fetch_table
from overread.questions.crowd_disagreement.steps.rating_tables import RatingTables
from overread.questions.crowd_disagreement.steps.study_sources import StudySources
from overread.questions.crowd_disagreement.steps.write_disagreement_report import write_untracked_page
from overread.study.output_folder import check_is_outside_labels
from overread.study.study import Study

PAGE_FILE = "report.html"


def run(
    choice: DisagreementChoice, *, ratings: str = "", outcomes: str = "", study_folder: Path | None = None, output: Path
) -> str:
    """Analyse a table of ratings or a study, whichever is given, and write the page.

    Args:
        choice: outcome, features, preset and seed.
        ratings: path or s3:// URL of a long or wide CSV table; empty for a study.
        outcomes: path or s3:// URL of a CSV table with a binary column; empty for a study.
        study_folder: the study; None for a table of ratings.
        output: gets the page, `evaluation.json`, `origin.json` and the tables; files of these names are replaced.

    Returns:
        The answer, and where the page is, for people.

    Raises:
        SettingsError: tables and a study are given, or neither, or half of a pair.
        InputError: a table, a source, the outcome or a setting breaks a rule, or the output folder lies among the
            labels of the study.
        StudyError: the folder is no study.
    """
    from overread.questions.crowd_disagreement.page.wording import word_crowd_answer

    check_one_kind_is_given(ratings=ratings, outcomes=outcomes, study=str(study_folder or ""))
    if study_folder is not None:
        check_is_outside_labels(study_folder, output)
        _analyse(StudySources(Study.open(study_folder), choice), choice, output)
    else:
        _analyse_tables(ratings, outcomes, choice, output)
    evaluation = write_untracked_page(output, report_file=output / PAGE_FILE)
    return f"{word_crowd_answer(evaluation).sentence}\n{output / PAGE_FILE}"


def _analyse_tables(ratings: str, outcomes: str, choice: DisagreementChoice, output: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="overread-tables-") as scratch:
        rated, known = (
            fetch_table(address, Path(scratch) / name) for name, address in (("r", ratings), ("o", outcomes))
        )
        _analyse(RatingTables(rated, known, choice), choice, output)


def _analyse(data: AnnotationData, choice: DisagreementChoice, output: Path) -> None:
    analysis = analyse(data.measure(), choice)
    write_analysis(analysis, output)
    write_origin(identify_analysis(data, choice, revision=UNVERSIONED), output)
