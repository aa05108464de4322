"""From somebody else's layout to a study: one reader per layout, one writer for all."""

from overread.study.importing.settings import ImportSettings
from overread.study.importing.study_import import import_study

__all__ = ["ImportSettings", "import_study"]
