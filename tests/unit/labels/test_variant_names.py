"""Settings of label errors, and the names of variants."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overread.errors import SettingsError
from overread.labels.settings import PerturbationSettings, VariantSettings, name_variant, parse_variant


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"mode": "natural", "dice": 0.9}, "natural-0.90"),
        ({"mode": "natural", "dice": 0.925}, "natural-0.925"),
        ({"mode": "natural", "dice": 0.9, "volumetric": True}, "natural-3d-0.90"),
        ({"mode": "choppy", "dice": 0.9, "axis": 2}, "choppy-axis2-0.90"),
        ({"mode": "choppy", "dice": 0.9, "axis": 0, "seed": 7}, "choppy-axis0-0.90-seed7"),
        ({"mode": "random", "dice": 0.85, "seed": 1}, "random-0.85-seed1"),
        ({"mode": "random", "dice": 0.00001}, "random-0.00001"),
        ({"mode": "polygon", "vertices": 3}, "polygon-3"),
        ({"mode": "polygon", "vertices": 7, "smooth": True}, "polygon-7-smooth"),
        ({"mode": "polygon", "vertices": 12, "seed": 1}, "polygon-12-seed1"),
        ({"mode": "polygon", "vertices": 7, "smooth": True, "seed": 1}, "polygon-7-smooth-seed1"),
    ],
)
def test_a_name_says_only_what_differs_from_the_default(settings: dict[str, object], name: str) -> None:
    variant = VariantSettings.parse(settings, where="test")
    assert variant.name == name
    assert parse_variant(name) == variant
    assert name_variant("ann", variant) == f"ann-{name}"


calibrated = st.builds(
    lambda mode, dice, seed, place: VariantSettings(
        mode=mode,
        dice=dice,
        seed=seed,
        volumetric=mode != "choppy" and place > 1,
        axis=place if mode == "choppy" and place < 3 else None,
    ),
    st.sampled_from(["natural", "choppy", "random"]),
    st.floats(0, 1, exclude_min=True, exclude_max=True),
    st.integers(0, 2**63 - 1),
    st.integers(0, 3),
)
polygons = st.builds(
    VariantSettings,
    mode=st.just("polygon"),
    vertices=st.integers(3, 10_000),
    smooth=st.booleans(),
    seed=st.integers(0, 2**63 - 1),
)


@given(calibrated | polygons)
def test_a_variant_can_be_read_from_its_name(variant: VariantSettings) -> None:
    assert parse_variant(variant.name) == variant


@pytest.mark.parametrize(
    "text",
    [
        "",
        "natural",
        "natural-0.9",
        "natural-1.00",
        "natural-0.00",
        "natural-0.900",
        "fuzzy-0.90",
        "Natural-0.90",
        "choppy-3d-0.90",
        "natural-axis1-0.90",
        "choppy-axis3-0.90",
        "natural-0.90-seed0",
        "natural-0.90-seed01",
        "natural-0.90-seed-1",
        "ann-natural-0.90",
        "natural-0.90 ",
        "polygon",
        "polygon-2",
        "polygon-07",
        "polygon-0.90",
        "polygon-3d-7",
        "polygon-7-seed0",
        "polygon-7-seed1-smooth",
        "natural-7-smooth",
        "natural-0.90-smooth",
    ],
)
def test_what_is_not_the_name_of_a_variant_is_refused(text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_variant(text)
    assert repr(text) in str(caught.value)


def test_a_refusal_shows_the_pattern_and_examples() -> None:
    with pytest.raises(SettingsError, match=r"MODE\[-3d\]\[-axisN\]-DICE\[-seedN\].*natural-0\.90"):
        parse_variant("nonsense")


def test_a_name_that_is_nearly_right_is_corrected() -> None:
    with pytest.raises(SettingsError, match=r"it is called natural-0\.90"):
        parse_variant("natural-0.9")


@pytest.mark.parametrize(
    "values",
    [
        {"mode": "natural", "strength": -0.1},
        {"mode": "natural", "strength": float("inf")},
        {"mode": "random", "strength": 1.1},
        {"mode": "choppy", "strength": 1.0, "volumetric": True},
        {"mode": "random", "strength": 0.1, "axis": 0},
        {"mode": "choppy", "strength": 1.0, "axis": -1},
        {"mode": "natural", "strength": 1.0, "control_points": 2},
        {"mode": "natural"},
        {"mode": "natural", "strength": 1.0, "vertices": 7},
        {"mode": "choppy", "strength": 1.0, "smooth": True},
        {"mode": "polygon"},
        {"mode": "polygon", "vertices": 2},
        {"mode": "polygon", "vertices": 7, "strength": 1.0},
        {"mode": "polygon", "vertices": 7, "volumetric": True},
        {"mode": "polygon", "vertices": 7, "axis": 0},
    ],
)
def test_a_perturbation_that_makes_no_sense_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(SettingsError):
        PerturbationSettings.parse(values, where="test")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"mode": "polygon", "vertices": 7, "dice": 0.9}, "that of polygon follows from its vertices"),
        ({"mode": "polygon", "dice": 0.9}, "polygon must have vertices"),
        ({"mode": "polygon"}, "polygon must have vertices"),
        ({"mode": "choppy", "vertices": 7}, "vertices and smooth are for polygon only"),
        ({"mode": "choppy"}, r"choppy must have a dice, for example 0\.90"),
    ],
)
def test_a_variant_has_either_a_dice_or_vertices(values: dict[str, object], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        VariantSettings.parse(values, where="test")


def test_what_a_kind_of_error_lacks_cannot_be_asked_for() -> None:
    variant = parse_variant("polygon-7")
    with pytest.raises(SettingsError, match=r"a Dice .*mode polygon"):
        variant.require_dice()
    with pytest.raises(SettingsError, match=r"a strength .*mode polygon"):
        variant.to_perturbation(None).require_strength()


def test_the_strength_has_a_unit() -> None:
    def unit(name: str) -> str | None:
        return parse_variant(name).strength_unit

    assert [unit(name) for name in ("natural-0.90", "natural-3d-0.90", "choppy-0.90")] == ["px", "mm", "px"]
    assert [unit(name) for name in ("random-0.90", "random-3d-0.90", "polygon-7")] == ["share", "share", None]
