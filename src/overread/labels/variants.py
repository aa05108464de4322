"""A perturbed copy of a source, whose masks agree with the clean ones as far as a Dice or a number of vertices says."""

from collections.abc import Iterator
from dataclasses import dataclass

from overread.labels.fixed_draw import FixedDraw, measure_reduced, seed_case, settle_strength
from overread.labels.perturb.register import REDUCED
from overread.labels.perturbation import apply_perturbation, calibrate_strength, restore_perturbation
from overread.labels.settings import PerturbationSettings, VariantSettings, name_variant
from overread.labels.source_cases import SourceCase, SourceCases, read_source_case
from overread.study.digest import compute_source_digest
from overread.study.schema import Provenance
from overread.study.study import Study
from overread.types import Affine, Mask

OPERATION = "perturb"
_DIGITS = 6
_REDUCED_FIELDS = {"mode", "vertices", "smooth"}
_CALIBRATED_FIELDS = {"mode", "volumetric", "axis", "strength", "control_points"}


@dataclass(frozen=True)
class Variant:
    """A perturbed copy of a source; its masks are made when they are asked for, one at a time.

    Attributes:
        study: the study.
        source: the clean source.
        variant: what was asked for.
        provenance: how each mask is made, and what came of it.
    """

    study: Study
    source: str
    variant: VariantSettings
    provenance: Provenance

    @property
    def name(self) -> str:
        """Name of the new source."""
        return name_variant(self.source, self.variant)

    def iterate_masks(self) -> Iterator[tuple[str, Mask, Affine | None]]:
        """Case id, perturbed mask (*S) and affine (None in 2D) of each case of the source."""
        for case_id in self.provenance.cases:
            case = read_source_case(self.study, self.source, case_id)
            yield case_id, _replay(case, self.provenance, case_id), case.affine


def make_variant(study: Study, source: str, variant: VariantSettings) -> Variant:
    """Choose the strength of a variant, and measure what it leaves of each case.

    The strength is calibrated for the expected Dice first, and where one draw misses that, for this very draw; polygons
    have none. The random numbers of a case depend on the seed, the mode and the case alone: the levels of one mode
    share their errors, and neither the order nor the number of cases matters to them.

    Raises:
        InputError: the study lacks the source, or its masks do not fit the variant.
        SettingsError: the Dice cannot be reached.
    """
    study.select_sources([source])
    cases = SourceCases(study, source)
    draw = _draw_calibrated if variant.has_strength else _draw_reduced
    drawn, parameters = draw(cases, variant)
    provenance = Provenance(
        operation=OPERATION,
        parents={source: compute_source_digest(study, source)},
        parameters=parameters,
        seed=variant.seed,
        cases={
            case_id: {"seed": seed_case(variant, case_id), "dice": round(dice, _DIGITS)}
            for case_id, dice in drawn.dice.items()
        },
    )
    return Variant(study, source, variant, provenance)


def replay_case(study: Study, provenance: Provenance, source: str, case_id: str) -> Mask:
    """Make the perturbed mask of one case again from the clean one, bit for bit.

    Args:
        study: the study.
        provenance: that of the variant.
        source: the clean source, unchanged since.
        case_id: one of the variant's cases.

    Raises:
        InputError: the case has no clean mask.
    """
    return _replay(read_source_case(study, source, case_id), provenance, case_id)


def _replay(case: SourceCase, provenance: Provenance, case_id: str) -> Mask:
    fields = _REDUCED_FIELDS if provenance.parameters["mode"] in REDUCED else _CALIBRATED_FIELDS
    values = {key: provenance.parameters[key] for key in fields}
    settings = PerturbationSettings.parse(values, where="provenance of the variant")
    record = restore_perturbation(settings, provenance.cases[case_id]["seed"])
    return apply_perturbation(case.mask, record, case.spacing)


def _draw_calibrated(cases: SourceCases, variant: VariantSettings) -> tuple[FixedDraw, dict[str, object]]:
    calibration = calibrate_strength(cases, variant, source=cases.source)
    drawn = settle_strength(cases, variant, calibration.strength, source=cases.source)
    return drawn, {
        **variant.to_perturbation(drawn.strength).model_dump(include=_CALIBRATED_FIELDS),
        "strength_unit": variant.strength_unit,
        "target_dice": variant.dice,
        **_describe_dice(drawn),
        "calibrated_strength": calibration.strength,
        "expected_dice": round(calibration.dice, _DIGITS),
        "slice_count": calibration.slice_count,
    }


def _draw_reduced(cases: SourceCases, variant: VariantSettings) -> tuple[FixedDraw, dict[str, object]]:
    drawn = measure_reduced(cases, variant, source=cases.source)
    return drawn, {**variant.model_dump(include=_REDUCED_FIELDS), **_describe_dice(drawn)}


def _describe_dice(drawn: FixedDraw) -> dict[str, object]:
    low, high = drawn.dice_range
    return {
        "mean_dice": round(drawn.mean_dice, _DIGITS),
        "lowest_dice": round(low, _DIGITS),
        "highest_dice": round(high, _DIGITS),
        "filled_case_count": len(drawn.filled),
    }
