"""The synthetic demo studies."""

from overread.study.demo.cohort import DemoSettings
from overread.study.demo.demo import write_demo_study
from overread.study.demo.kinds import KINDS, write_demo_of_kind

__all__ = ["KINDS", "DemoSettings", "write_demo_of_kind", "write_demo_study"]
