import re
from html.parser import HTMLParser
from itertools import pairwise
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest
from report_builders import build_context

from overread.errors import InputError
from overread.evaluation.bootstrap import bootstrap_mean
from overread.evaluation.results import COMPARISON_COLUMNS
from overread.questions.retrain.gate import GateSettings, apply_gate
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

VOID = {"meta", "img", "br"}
REVISION, OLD_REVISION = "a1b2c3d4" * 5, "0f9e8d7c" * 5
FIFTH_OF_JANUARY = 1767571200.0
"""5 January 2026, 00:00 UTC."""
LOAD = 100.0
"""Of the reference in every case."""
CASES = tuple(f"c{number:02d}" for number in range(8))
BOUNDS = GateSettings(dice_margin=0.05, load_bias_limit=0.5, min_cases=5)
LATER = ("The champion learnt from a later revision, 0123456, than the challenger, a1b2c3d.",)


class Page(HTMLParser):
    """Tags with their attributes, and the text between them with single spaces."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.open, self.mismatches, self._parts = [], [], [], []
        self.feed(html)
        self.text = re.sub(r"\s+", " ", "".join(self._parts))

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.mismatches.append(tag)

    def handle_data(self, data):
        if "style" not in self.open:
            self._parts.append(
                data + (" " if self.open and self.open[-1] in ("td", "th", "b", "span", "dd", "code") else "")
            )

    def find_all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def build_network(labels="ann", *, state="changed", champion=3, reference="", behind=2, since=FIFTH_OF_JANUARY):
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


def build_comparisons(network, *, dice=0.8, champion_dice=0.8, bias=0.1, sources=("ann", "ben"), one_subject=False):
    subjects = ["s0"] * len(CASES) if one_subject else [f"s{case}" for case in CASES]
    rows = []
    for source in dict.fromkeys((*sources, network.reference)):
        loss = 0.0 if source == network.reference else 0.1
        rows += build_rows(network.challenger_masks, source, dice - loss, bias, subjects)
        if network.champion is not None:
            rows += build_rows(network.champion_masks, source, champion_dice - loss, 0.05, subjects, reach=-0.02)
    return pd.DataFrame(rows, columns=list(COMPARISON_COLUMNS))


def select(comparisons, prediction, reference):
    return comparisons[(comparisons["prediction"] == prediction) & (comparisons["reference"] == reference)]


def average(rows):
    return bootstrap_mean(rows["dice"].tolist(), rows["subject_id"].tolist(), seed=0)


def build_judgement(network, comparisons, *, settings=None, counted=CASES):
    settings = settings or BOUNDS
    names = network.challenger_masks, network.champion_masks
    judged = comparisons[comparisons["case_id"].isin(counted)]
    challenger, champion = (select(judged, name, network.reference) for name in names)
    has_champion = network.champion is not None
    return NetworkJudgement(
        network=network,
        fingerprint="55" * 32,
        settings=settings,
        figures=apply_gate(challenger, champion if has_champion else None, settings=settings, seed=0),
        counted_cases=tuple(counted),
        other_cases=tuple(case for case in CASES if case not in counted),
        reference_digests=dict.fromkeys(CASES, "66" * 32),
        dice=tuple(
            ReferenceDice(
                reference=source,
                case_count=len(CASES),
                challenger=average(select(comparisons, names[0], source)),
                champion=average(select(comparisons, names[1], source)) if has_champion else None,
            )
            for source in dict.fromkeys(comparisons["reference"])
        ),
    )


def decide(judgement, *, version=4, reasons=None, **changes):
    """What `register_challengers` makes of a judgement, unless something else is said."""
    found = judgement.figures.reasons if reasons is None else reasons
    values = {
        "is_promoted": not found,
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

    def judge(self, labels="ann", *, champion=3, reference="", counted=CASES, settings=None, decision=None, **figures):
        network = build_network(labels, champion=champion, state="changed" if champion else "new", reference=reference)
        table = build_comparisons(network, **figures)
        self.networks.append(network)
        self.tables.append(table)
        judgement = build_judgement(network, table, settings=settings, counted=counted)
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


@pytest.fixture(scope="module")
def mixed():
    """One of everything that can become of a network."""
    scene = Scene().judge("ann", dice=0.83).judge("ben", champion=None, decision={"version": 1})
    return scene.judge("ann+ben", dice=0.7, counted=CASES[:6], decision={"version": 5}).keep("cas", state="current")


@pytest.fixture(scope="module")
def html(mixed, tmp_path_factory):
    return mixed.write(tmp_path_factory.mktemp("page") / "new" / "report.html")


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


def test_the_page_is_well_formed_and_asks_its_question(page, html):
    assert html.startswith("<!DOCTYPE html>")
    assert (page.mismatches, page.open) == ([], [])
    assert [tag for tag, _ in page.tags].count("h1") == 1
    assert "Are the networks up to date with their labels?" in page.text


def test_nothing_is_loaded_from_elsewhere_and_every_image_has_an_alternative(page, html):
    links = {attributes["href"] for _, attributes in page.tags if "href" in attributes}
    assert {link for link in links if not link.startswith("#")} == set()
    assert not page.find_all("script")
    assert not re.search(r"@import|url\((?!#)", unquote(html))
    images = page.find_all("img")
    assert len(images) == 2 + 3
    assert all(image["src"].startswith("data:image/svg+xml,") and len(image["alt"]) > 20 for image in images)


def test_ids_links_headings_and_tables_are_in_order(page):
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert all(link["href"][1:] in ids for link in page.find_all("a"))
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert all("scope" in header for header in page.find_all("th"))
    boxes = [attributes for attributes in page.find_all("div") if attributes.get("class") == "scroll"]
    assert all(box["aria-label"] and box["tabindex"] == "0" and box["role"] == "region" for box in boxes)


def test_equal_inputs_give_equal_bytes(mixed, html, tmp_path):
    assert mixed.write(tmp_path / "again.html") == html


def test_the_first_box_says_what_became_of_each_network(page):
    answer = (
        "In part: the new network of ann, version 4, takes the place of version 3; that of ben, version 1, is its "
        "first champion; that of ann+ben, version 5, was refused, and version 3 stays in use."
    )
    assert answer in page.text
    assert page.text.index("In part:") < page.text.index("All networks that are kept up to date")
    assert "Nothing new for cas (version 3 since 5 January 2026, learnt from revision 0f9e8d7)." in page.text.replace(
        " ", " "
    )


def test_the_table_shows_how_every_network_stands_after_the_run(page):
    text = page.text
    assert "ann tiny-ann version 4 promoted labels changed version 4 this run a1b2c3d 0 ann" in text
    assert "ben tiny-ben version 1 promoted no champion yet version 1 this run a1b2c3d 0 ben" in text
    refused = "version 5 refused labels changed version 3 5 January 2026 0f9e8d7 2 ann"
    assert f"ann+ben tiny-ann+ben {refused}" in text
    assert "nothing new those that the champion learnt version 3 5 January 2026 0f9e8d7 0 cas" in text


def test_a_refusal_says_what_a_human_can_do(page):
    assert "A refusal is a normal result" in page.text
    assert 'overread model promote tiny-ann+ben --version 5 --reason "…"' in page.text
    assert "promote tiny-ann " not in page.text


def test_names_of_users_are_text_and_not_markup(tmp_path):
    html = Scene().judge("a&b+<i>c", dice=0.7, sources=("a&b", "<i>c")).write(tmp_path / "report.html")
    page = Page(html)
    assert page.mismatches == []
    assert not page.find_all("i")
    assert "Why a&b+<i>c was refused" in page.text
    # The shell would take these signs for its own.
    assert "overread model promote 'tiny-a&b+<i>c' --version 4" in page.text


def test_every_held_out_case_stands_in_a_table_largest_loss_first(page):
    cases = re.findall(r"(c\d\d) (0\.\d{3}) (0\.\d{3}) (−?0\.\d{3}) 100 \d+ \d+ (yes|no)", page.text)
    assert len(cases) == 8 + 8  # ann and ann+ben; ben has no champion
    differences = [float(one[3].replace("−", "-")) for one in cases]
    assert differences[:8] == sorted(differences[:8])
    assert differences[8:] == sorted(differences[8:])
    assert sorted(case for case, *_, counts in cases[8:] if counts == "no") == ["c06", "c07"]


def test_inputs_that_do_not_belong_together_are_refused(mixed, tmp_path):
    changes, decisions = mixed.outcome.changes, mixed.outcome.decisions
    page, context = tmp_path / "report.html", build_context(("ann",))

    def write(decisions, comparisons):
        outcome = RetrainingOutcome(changes=changes, decisions=decisions)
        write_retraining_report(page, outcome=outcome, comparisons=comparisons, context=context)

    with pytest.raises(InputError, match="must have its decision, in their order, got ann, ben"):
        write(decisions[:2], mixed.comparisons)
    with pytest.raises(InputError, match="must come with their table of comparisons, got none"):
        write(decisions, None)
    with pytest.raises(InputError, match="each held-out case of the judgement once, got 7 rows for 8 cases"):
        write(decisions, mixed.comparisons[mixed.comparisons["case_id"] != "c07"])
    assert not page.exists()
