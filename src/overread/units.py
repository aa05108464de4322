"""Units of length and load by name."""

from typing import Literal, TypeAlias

LengthUnit: TypeAlias = Literal["mm", "px"]
LoadUnit: TypeAlias = Literal["ml", "mm²", "px²"]
