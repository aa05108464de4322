"""Demo studies of 2D images with one soft-edged object each, outlined by two raters."""

from overread.study.demo.planar.look import ORGAN, SKIN
from overread.study.demo.planar.planar_study import PlanarSettings, write_planar_study

__all__ = ["ORGAN", "SKIN", "PlanarSettings", "write_planar_study"]
