"""What sets the kinds of objects apart: size, contrast, sharpness, and how far readers agree with what is seen."""

from dataclasses import dataclass

REFERENCE_SIZE = 64
"""Side of the images, in px, that all lengths of this package are given for; they grow with the image."""

Range = tuple[float, float]


@dataclass(frozen=True)
class Look:
    """How the objects of a kind look; lengths in px of an image of `REFERENCE_SIZE`.

    Attributes:
        name: of the kind, and of the study.
        modality: as it stands in `study.yaml`.
        target: what the masks outline, singular.
        radius: lowest and highest half-axis, drawn evenly on a logarithmic scale.
        contrast: lowest and highest depth of the object, in units of the grey values before they are stored.
        edge: lowest and highest width of the edge, drawn evenly on a logarithmic scale.
        border_shift: std of each wave by which the border that readers mean leaves the one that is seen, as a share of
            the mean radius.
        least_area: a smaller object is drawn anew, px².
    """

    name: str
    modality: str
    target: str
    radius: Range
    contrast: Range
    edge: Range
    border_shift: float
    least_area: float


SKIN = Look(
    name="skin",
    modality="dermoscopy",
    target="lesion",
    radius=(9, 24),
    contrast=(0.7, 2),
    edge=(0.7, 3),
    border_shift=0.05,
    least_area=100,
)
ORGAN = Look(
    name="organ",
    modality="CT",
    target="organ",
    radius=(6, 14),
    contrast=(1.5, 2.5),
    edge=(0.4, 1),
    border_shift=0,
    least_area=50,
)
