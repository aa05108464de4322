"""The container image that every component runs in."""

import functools
import os

from kfp import dsl

IMAGE = os.environ.get("OVERREAD_IMAGE", "overread/overread:0.1.0")

step_component = functools.partial(dsl.component, base_image=IMAGE, install_kfp_package=False)
"""Decorator of a component whose body calls one step."""
