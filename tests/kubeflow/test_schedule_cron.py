"""Cron expressions of five fields: what is taken, what it becomes in Kubeflow, and what is refused."""

import pytest

from overread.errors import SettingsError
from overread.kubeflow.cron import from_kubeflow, parse_cron, to_kubeflow


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("0 3 * * *", "0 3 * * *"),
        ("  */15   9-17 1,15 * *", "*/15 9-17 1,15 * *"),
        ("0 3 * jan-Mar mon", "0 3 * JAN-MAR MON"),
        ("59 23 31 12 6", "59 23 31 12 6"),
        ("0 0 1-31/7 * *", "0 0 1-31/7 * *"),
        ("5/20 3 * * *", "5/20 3 * * *"),
        ("0 0 29 2 *", "0 0 29 2 *"),
        ("0 0 31 2,3 *", "0 0 31 2,3 *"),
        ("0 0 31 2 MON", "0 0 31 2 MON"),
    ],
)
def test_what_cron_allows_is_kept(given, kept):
    assert parse_cron(given) == kept


@pytest.mark.parametrize(
    ("given", "kept"),
    [("7", "0"), ("5-7", "0,5,6"), ("1-7/2", "0,1,3,5"), ("MON,7", "0,1"), ("*/2", "*/2"), ("5/2", "5/2")],
)
def test_sunday_is_0_for_kubeflow_knows_no_7(given, kept):
    assert parse_cron(f"0 3 * * {given}") == f"0 3 * * {kept}"


@pytest.mark.parametrize(
    ("cron", "field", "rule", "found"),
    [
        ("60 3 * * *", "minute", "be 0 to 59", "60"),
        ("0 24 * * *", "hour", "be 0 to 23", "24"),
        ("0 3 0 * *", "day of the month", "be 1 to 31", "0"),
        ("0 3 * 13 *", "month", "be 1 to 12 or JAN to DEC", "13"),
        ("0 3 * MON *", "month", "be 1 to 12 or JAN to DEC", "MON"),
        ("0 3 * * 8", "day of the week", "be 0 to 7 or SUN to SAT", "8"),
        ("0 3 * * MONDAY", "day of the week", "be 0 to 7 or SUN to SAT", "MONDAY"),
        ("MON 3 * * *", "minute", "be 0 to 59", "MON"),
        ("0 17-9 * * *", "hour", "not end a range before its beginning", "17-9"),
        ("0 3 * * FRI-MON", "day of the week", "not end a range before its beginning", "FRI-MON"),
        ("*/0 3 * * *", "minute", "have a step of 1 or more", "*/0"),
        ("0,, 3 * * *", "minute", "be *, a, a-b, or one of these with a step as in */n", ""),
        ("0 -1 * * *", "hour", "be *, a, a-b, or one of these with a step as in */n", "-1"),
        ("0 3 L * *", "day of the month", "be 1 to 31", "L"),
        ("0 3 ? * *", "day of the month", "be *, a, a-b, or one of these with a step as in */n", "?"),
        ("0 3 *-5 * *", "day of the month", "be *, a, a-b, or one of these with a step as in */n", "*-5"),
        ("0 3 30 2 *", "day of the month", "be a day that one of the months has", "30"),
        ("0 3 31 2,4,6,9,11 */2", "day of the month", "be a day that one of the months has", "31"),
    ],
)
def test_the_field_that_breaks_a_rule_is_named(cron, field, rule, found):
    with pytest.raises(SettingsError) as caught:
        parse_cron(cron)
    number = ["minute", "hour", "day of the month", "month", "day of the week"].index(field) + 1
    assert str(caught.value).startswith(f"the {field} of --cron must {rule}, got {found!r}; --cron {cron!r}. Hint: ")
    assert f"field {number} of minute, hour, day of the month, month, day of the week" in str(caught.value)


@pytest.mark.parametrize(("cron", "count"), [("", 0), ("@daily", 1), ("0 3 * *", 4), ("0 0 3 * * *", 6)])
def test_five_fields_are_asked_for(cron, count):
    with pytest.raises(SettingsError, match="must have 5 fields") as caught:
        parse_cron(cron)
    assert f"got {count}: {cron!r}" in str(caught.value)
    assert "leave out its seconds" in str(caught.value)


@pytest.mark.parametrize("cron", ["0 3 * * *", "*/5 9-17 1,15 JAN MON"])
def test_kubeflow_starts_at_second_0_and_back(cron):
    assert to_kubeflow(cron) == f"0 {cron}"
    assert from_kubeflow(to_kubeflow(cron)) == cron


@pytest.mark.parametrize(
    ("theirs", "shown"),
    [
        ("0 0 3 ? * mon", "0 3 * * MON"),
        # Five fields lack the day of the week there: second, minute, hour, day of the month, month.
        ("0 15 3 1 *", "15 3 1 * *"),
        ("30 0 3 1 *", "30 0 3 1 * *"),
        ("30 0 3 ? * *", "30 0 3 * * *"),
        ("@daily", "@daily"),
    ],
)
def test_what_others_gave_kubeflow_is_shown_in_five_fields_where_it_has_them(theirs, shown):
    assert from_kubeflow(theirs) == shown
