"""The synthetic demo study."""

from overread.study.demo.demo import write_demo_study
from overread.study.demo.settings import DemoSettings

__all__ = ["DemoSettings", "write_demo_study"]
