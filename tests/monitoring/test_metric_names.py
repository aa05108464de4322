"""Rules and dashboard read metrics and labels that exist, and leave none out."""

import pytest

from tests.monitoring.dashboard import fill_in, list_queries, list_variables
from tests.monitoring.metric_labels import check_expression, find_unused, labels_of, read_placeholders
from tests.monitoring.promql import Expression, Selector, read_expression
from tests.monitoring.rules import read_alerts, read_recorded, read_rules

RECORDED = {
    "overread:gap:ratio": "overread_evaluation_same_dice_ratio - overread_evaluation_cross_dice_ratio",
    "overread:period:seconds": "vector(86400)",
    "overread:since:seconds": "last_over_time(overread:since:seconds[1h]) or overread_training_epochs",
}


def test_rules_read_metrics_and_labels_that_exist() -> None:
    recorded = read_recorded()
    problems = [problem for rule in read_rules() for problem in check_expression(rule["expr"], recorded)]
    assert problems == []


def test_annotations_name_labels_that_the_alert_has() -> None:
    recorded = read_recorded()
    for rule in read_alerts().values():
        shown = read_placeholders(" ".join(rule["annotations"].values()))
        assert check_expression(rule["expr"], recorded, shown=shown) == []


def test_panels_read_metrics_and_labels_that_exist() -> None:
    recorded = read_recorded()
    for panel, expression, legend in list_queries():
        assert check_expression(expression, recorded, shown=read_placeholders(legend)) == [], panel


def test_variables_list_labels_that_exist() -> None:
    variables = list(list_variables())
    assert [name for name, _, _ in variables] == ["study", "source"]
    for _, expression, label in variables:
        assert check_expression(fill_in(expression), read_recorded(), shown={label}) == []


def test_every_metric_is_shown_or_watched() -> None:
    texts = [rule["expr"] for rule in read_alerts().values()] + [expression for _, expression, _ in list_queries()]
    assert find_unused(texts, read_recorded()) == set()


@pytest.mark.parametrize(
    ("expression", "shown", "problem"),
    [
        ("overread_training_speed", (), "overread_training_speed is neither exported nor recorded"),
        ("rate(overread:gap:seconds[5m])", (), "overread:gap:seconds is neither exported nor recorded"),
        ("time() - overread_training_los", (), "overread_training_los is neither exported nor recorded"),
        ('overread_training_loss{site="a"}', (), "overread_training_loss has no label site"),
        ('overread:gap:ratio{network="a"}', (), "overread:gap:ratio has no label network"),
        ('overread:since:seconds{site="a"}', (), "overread:since:seconds has no label site"),
        ('push_time_seconds{job="overread-retraining", network="a"}', (), "push_time_seconds has no label network"),
        ('push_time_seconds{job=~"overread-.+", pipeline="a"}', (), "push_time_seconds has no label pipeline"),
        ("sum by (network) (overread_evaluation_same_dice_ratio)", (), "no label network to group by"),
        ("overread_training_loss and on (pipeline) overread_retraining_revisions_behind", (), "no label pipeline to"),
        ("overread_retraining_revisions_behind", ("network",), "the result has no label network"),
        ("sum by (study) (overread_training_loss)", ("source",), "the result has no label source"),
    ],
)
def test_what_does_not_exist_is_found(expression: str, shown: tuple[str, ...], problem: str) -> None:
    (found,) = check_expression(expression, RECORDED, shown=shown)
    assert problem in found


def test_what_exists_is_let_through() -> None:
    expression = """
        sum by (study, network) (last_over_time(overread_training_loss{source=~"a+b", job!="x"}[1h] offset 7d)) > 0.05
        unless on (study, source) overread_training_epochs <= 3 * scalar(overread:period:seconds)
    """
    assert check_expression(expression, RECORDED) == []
    assert labels_of(Selector("overread:gap:ratio", {}), RECORDED) == {
        "job",
        "namespace",
        "pipeline",
        "study",
        "source",
    }
    assert labels_of(Selector("overread:period:seconds", {}), RECORDED) == set()


def test_a_metric_that_nobody_reads_is_found() -> None:
    unused = find_unused(["overread:gap:ratio", "overread_training_loss"], RECORDED)
    assert {"overread:period:seconds", "overread:since:seconds", "overread_training_running"} <= unused
    assert not unused & {"overread:gap:ratio", "overread_training_loss", "overread_evaluation_cross_dice_ratio"}


def test_selectors_and_groupings_are_read_out_of_an_expression() -> None:
    text = 'sum by (a) (x{b="1, }", c=~"$d"}[5m]) / ignoring(e) group_left y:z:s offset 1h or vector(1e3)'
    assert read_expression(text) == Expression(
        (Selector("x", {"b": "1, }", "c": "$d"}), Selector("y:z:s", {})), frozenset({"a", "e"})
    )


def test_a_selector_without_a_metric_is_refused() -> None:
    with pytest.raises(AssertionError, match="must name its metric"):
        read_expression('{__name__=~"overread_.+"}')
