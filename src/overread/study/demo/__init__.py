"""The synthetic demo study."""

from overread.study.demo.cohort import DemoSettings
from overread.study.demo.demo import write_demo_study

__all__ = ["DemoSettings", "write_demo_study"]
