"""The report of the pipeline `retrain`: are the networks up to date with their labels?"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from overread.errors import InputError
from overread.questions.retrain.gate.settings import FEWEST_SUBJECTS
from overread.questions.retrain.page.cases import build_case_table, collect_cases
from overread.questions.retrain.page.figures import (
    ALLOWED_COLOUR,
    BEYOND_COLOUR,
    CHALLENGER_COLOUR,
    CHAMPION_COLOUR,
    OUTLINE_COLOURS,
    draw_case_dice,
)
from overread.questions.retrain.page.gallery import CasePicture, RetrainingGallery
from overread.questions.retrain.page.tables import (
    Mark,
    build_champion_table,
    build_check_table,
    build_dice_table,
    build_network_table,
    describe_decision,
    draw_dice_bounds,
    draw_load_bounds,
)
from overread.questions.retrain.page.wording import (
    word_chances,
    word_present_champion,
    word_reasons,
    word_retraining_answer,
)
from overread.questions.retrain.records import (
    NetworkDecision,
    RetrainingOutcome,
    list_commands,
)
from overread.report.context import RunContext
from overread.report.figures.canvas import Figure
from overread.report.page import render_page, write_page
from overread.report.table import Table

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass(frozen=True)
class ChallengerPart:
    """What the page says of one challenger.

    Attributes:
        decision: what became of it.
        words: the same in a few words.
        mark: style of these words.
        sentences: why it is on hold or was refused, what such a comparison lets through, and how it stands to the
            champion in use.
        check_table: what the gate asked.
        champion_table: the champions so far; None where there are not several.
        dice_table: Dice with every source.
        case_table: held-out cases, in the order of the figure.
        case_dice: the figure of these cases; None without a case.
        pictures: some of them as pictures.
    """

    decision: NetworkDecision
    words: str
    mark: Mark
    sentences: tuple[str, ...]
    check_table: Table
    champion_table: Table | None
    dice_table: Table
    case_table: Table
    case_dice: Figure | None
    pictures: tuple[CasePicture, ...]


def write_retraining_report(
    page: Path,
    *,
    outcome: RetrainingOutcome,
    comparisons: "DataFrame | None",
    context: RunContext,
    gallery: RetrainingGallery | None = None,
) -> None:
    """Write the report as one HTML file that loads nothing from elsewhere and needs no script.

    Equal inputs give equal bytes.

    Args:
        page: the HTML file; its folder is made.
        outcome: what was found and decided.
        comparisons: of the masks of challengers and champions with those of the sources, COMPARISON_COLUMNS; None where
            nothing was new.
        context: where the numbers come from; without study digest, settings and tracked run where nothing was new.
        gallery: pictures of held-out cases; without them the page has none.

    Raises:
        InputError: the inputs do not belong together.
    """
    _check(outcome)
    judgements = [decision.judgement for decision in outcome.decisions]
    values = {
        "context": context,
        "is_idle": not outcome.decisions,
        "changes": outcome.changes,
        "answer": word_retraining_answer(outcome),
        "network_table": build_network_table(outcome),
        "parts": _build_parts(outcome.decisions, comparisons, gallery),
        "held": _list_held(outcome),
        "fewest_subjects": FEWEST_SUBJECTS,
        "dice_bounds": draw_dice_bounds(judgements),
        "load_bounds": draw_load_bounds(judgements),
        "bound_colours": {"allowed": ALLOWED_COLOUR, "beyond": BEYOND_COLOUR},
        "mark_colours": {"challenger": CHALLENGER_COLOUR, "champion": CHAMPION_COLOUR},
        "outline_colours": OUTLINE_COLOURS,
    }
    write_page(page, render_page(Path(__file__).with_name("retrain.html.j2"), values))


def _check(outcome: RetrainingOutcome) -> None:
    expected = [network.labels for network in outcome.changes.to_train]
    decided = [decision.judgement.network.labels for decision in outcome.decisions]
    if decided != expected:
        raise InputError(
            "each network with new labels must have its decision, in their order",
            found=", ".join(decided) or "none",
            hint=f"with new labels: {', '.join(expected) or 'none'}",
        )


def _build_parts(
    decisions: Sequence[NetworkDecision], comparisons: "DataFrame | None", gallery: RetrainingGallery | None
) -> list[ChallengerPart]:
    if not decisions:
        return []
    if comparisons is None:
        raise InputError("judged challengers must come with their table of comparisons", found="none")
    return [_build_part(decision, comparisons, gallery) for decision in decisions]


def _build_part(
    decision: NetworkDecision, comparisons: "DataFrame", gallery: RetrainingGallery | None
) -> ChallengerPart:
    judged = decision.judgement
    cases = collect_cases(judged, comparisons)
    words, mark = describe_decision(decision)
    return ChallengerPart(
        decision=decision,
        words=words,
        mark=mark,
        sentences=(*word_reasons(decision), *filter(None, (word_chances(judged), word_present_champion(judged)))),
        check_table=build_check_table(judged),
        champion_table=build_champion_table(judged),
        dice_table=build_dice_table(judged),
        case_table=build_case_table(judged, cases),
        case_dice=draw_case_dice(cases, reference=judged.network.reference) if cases else None,
        pictures=gallery.select(judged.network.labels) if gallery else (),
    )


def _list_held(outcome: RetrainingOutcome) -> list[str]:
    """Commands that end the holds, of this run and of those before it."""
    commands = [command for one in outcome.decisions if one.state == "held" for command in one.commands]
    for network in outcome.changes.networks:
        if network.state == "held" and network.held is not None:
            commands += list_commands(network.model, network.held, is_held=True)
    return commands
