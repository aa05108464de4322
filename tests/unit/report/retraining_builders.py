"""Outcomes of retraining, built network by network, and the pages that they make."""

import numpy as np
import pandas as pd
from pages import Page
from report_builders import build_context

from overread.evaluation.results import COMPARISON_COLUMNS
from overread.evaluation.skill import Skill
from overread.questions.retrain.gate.rule import apply_gate, describe_mean
from overread.questions.retrain.gate.settings import GateSettings
from overread.questions.retrain.page.report import write_retraining_report
from overread.questions.retrain.records import (
    KeptNetwork,
    NetworkDecision,
    NetworkJudgement,
    ReferenceDice,
    RetrainingChoice,
    RetrainingOutcome,
    StudyChanges,
)

REVISION, OLD_REVISION = "a1b2c3d4" * 5, "0f9e8d7c" * 5
FIFTH_OF_JANUARY = 1767571200.0
"""5 January 2026, 00:00 UTC."""
LOAD = 100.0
"""Of the reference in every case."""
CASES = tuple(f"c{number:02d}" for number in range(8))
BOUNDS = GateSettings(dice_margin=0.05, load_bias_limit=0.5)
LEARNT = Skill(own=0.8, guess=0.1)
LATER = ("The champion learnt from a later revision, 0123456, than the challenger, a1b2c3d.",)


def build_network(
    labels="ann", *, state="changed", champion=3, reference="", behind=2, since=FIFTH_OF_JANUARY, former=(), held=None
):
    sources = tuple(labels.split("+"))
    return KeptNetwork(
        labels=labels,
        sources=sources,
        reference=reference or sources[0],
        model=f"tiny-{labels}",
        digests=dict.fromkeys(sources, "22" * 16),
        reference_digest="22" * 16,
        champion=champion,
        champion_revision=OLD_REVISION if champion else "",
        champion_since=since if champion else None,
        champions=((champion,) if champion else ()) + tuple(former),
        held=held,
        revisions_behind=behind if champion and state != "current" else 0,
        state=state,
    )


def build_changes(*networks):
    return StudyChanges(
        study="tiny",
        study_uri="https://example.org/tiny.git",
        revision=REVISION,
        recipe="44" * 32,
        choice=RetrainingChoice(preset="demo"),
        networks=networks,
    )


def build_rows(prediction, reference, dice, bias, subjects, *, reach=0.02):
    """One row per case: Dice and load bias vary by `reach` around the given ones, which are the means."""
    spread = np.linspace(-reach, reach, len(CASES))
    return [
        (prediction, reference, case, subject, dice + step, dice, 1.5, 0.5, LOAD * (1 + bias - step), LOAD)
        for case, subject, step in zip(CASES, subjects, spread, strict=True)
    ]


def build_comparisons(
    network, *, dice=0.8, champion_dice=0.8, bias=0.1, sources=("ann", "ben"), one_subject=False, former_gain=0.1
):
    subjects = ["s0"] * len(CASES) if one_subject else [f"s{case}" for case in CASES]
    rows = []
    for source in dict.fromkeys((*sources, network.reference)):
        loss = 0.0 if source == network.reference else 0.1
        rows += build_rows(network.challenger_masks, source, dice - loss, bias, subjects)
        for version in network.champions:
            gain = 0 if version == network.champion else former_gain
            rows += build_rows(
                network.name_masks(version), source, champion_dice + gain - loss, 0.05, subjects, reach=-0.02
            )
    return pd.DataFrame(rows, columns=list(COMPARISON_COLUMNS))


def select(comparisons, prediction, reference):
    return comparisons[(comparisons["prediction"] == prediction) & (comparisons["reference"] == reference)]


def build_judgement(network, comparisons, *, settings=None, counted=CASES, skill=LEARNT, left_out=()):
    settings = settings or BOUNDS
    judged = comparisons[comparisons["case_id"].isin(counted)]
    champions = {number: select(judged, network.name_masks(number), network.reference) for number in network.champions}
    return NetworkJudgement(
        network=network,
        fingerprint="55" * 32,
        settings=settings,
        figures=apply_gate(
            select(judged, network.challenger_masks, network.reference),
            champions,
            champion=network.champion,
            skill=skill,
            settings=settings,
        ),
        left_out=left_out,
        counted_cases=tuple(counted),
        other_cases=tuple(case for case in CASES if case not in counted),
        reference_digests=dict.fromkeys(CASES, "66" * 32),
        dice=tuple(
            ReferenceDice(
                reference=source,
                case_count=len(CASES),
                challenger=describe_mean(select(comparisons, network.challenger_masks, source), "dice"),
                champion=describe_mean(select(comparisons, network.name_masks(network.champion), source), "dice")
                if network.champion
                else None,
            )
            for source in dict.fromkeys(comparisons["reference"])
        ),
    )


def decide(judgement, *, version=4, reasons=None, **changes):
    """What `register_challengers` makes of a judgement, unless something else is said."""
    figures = judgement.figures
    found = (figures.reasons or figures.doubts) if reasons is None else reasons
    state = "held" if figures.verdict == "hold" and reasons is None else "refused" if found else "promoted"
    values = {
        "state": state,
        "reasons": found,
        "champion": judgement.network.champion if found else version,
    }
    return NetworkDecision(judgement=judgement, version=version, **values | changes)


class Scene:
    """An outcome and its table, built network by network."""

    def __init__(self):
        self.networks, self.decisions, self.tables = [], [], []

    def keep(self, labels, **changes):
        self.networks.append(build_network(labels, **changes))
        return self

    def judge(
        self,
        labels="ann",
        *,
        champion=3,
        reference="",
        counted=CASES,
        settings=None,
        decision=None,
        former=(),
        skill=LEARNT,
        left_out=(),
        **figures,
    ):
        state = "changed" if champion else "new"
        network = build_network(labels, champion=champion, state=state, reference=reference, former=former)
        table = build_comparisons(network, **figures)
        self.networks.append(network)
        self.tables.append(table)
        judgement = build_judgement(network, table, settings=settings, counted=counted, skill=skill, left_out=left_out)
        self.decisions.append(decide(judgement, **decision or {}))
        return self

    @property
    def outcome(self):
        return RetrainingOutcome(changes=build_changes(*self.networks), decisions=tuple(self.decisions))

    @property
    def comparisons(self):
        return pd.concat(self.tables, ignore_index=True) if self.tables else None

    def write(self, path, **more):
        context = build_context(("ann",)).model_copy(update={"pipeline": "retrain", "revision": REVISION})
        if not self.decisions:
            context = context.model_copy(update={"study_digest": "", "settings_yaml": "", "tracking_url": ""})
        write_retraining_report(path, outcome=self.outcome, comparisons=self.comparisons, context=context, **more)
        return path.read_text(encoding="utf-8")

    def read(self, folder, **more):
        return Page(self.write(folder / "report.html", **more))
