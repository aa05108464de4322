from pathlib import Path

import pytest

from overread.study.demo import DemoSettings, write_demo_study
from overread.study.demo.anatomy import Anatomy, build_anatomy, sample_physique
from overread.study.demo.cohort import spawn_generator
from overread.study.study import Study

SMALL = DemoSettings(case_count=4, follow_up_share=0.25)


@pytest.fixture(scope="session")
def demo(demo_root: Path) -> Study:
    """The demo study with its default settings."""
    return Study.open(demo_root)


@pytest.fixture(scope="session")
def small_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demo study of four cases."""
    root = tmp_path_factory.mktemp("demo") / "small"
    write_demo_study(root, settings=SMALL)
    return root


@pytest.fixture(scope="session")
def anatomy() -> Anatomy:
    """One head."""
    return build_anatomy(sample_physique(40, spawn_generator(1, "subject", 0)))
