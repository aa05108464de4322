"""Noises, corrections and methods of `relabel` as they are called in sentences and tables."""

from overread.questions.relabel.results import AS_GIVEN

METHOD_TITLES = {"tta": "test-time augmentation", "mc_dropout": "MC dropout", "ensemble": "deep ensemble"}
CORRECTION_TITLES = {
    "clean": "Clean labels",
    "none": "No correction",
    "reweight": "Reweighting",
    "relabel": "Relabelling",
}
RULE_TITLES = {
    "uncertainty": "uncertainty",
    "clean": "clean labels",
    "fixed": "the user",
}
OUTCOME_TITLES = {"gained": "better", "lost": "worse", "undecided": "undecided", "unknown": "unknown"}
OUTCOME_MARKS = {"gained": "borne-out", "lost": "contradicted", "undecided": "undecided", "unknown": "not-tested"}
"""Class of the outcome's badge in the page."""


def name_noise(noise: str) -> str:
    """A kind of labels in a sentence."""
    return "the labels as given" if noise == AS_GIVEN else noise


def name_method(method: str) -> str:
    """A way of estimating uncertainty; its own name where there is no other."""
    return METHOD_TITLES.get(method, method)


def name_training(noise: str, correction: str, method: str) -> str:
    """A way of training: "No correction, polygon-3" or "Relabelling (MC dropout), polygon-3"."""
    title = CORRECTION_TITLES[correction] + (f" ({name_method(method)})" if method else "")
    return f"{title}, {name_noise(noise)}" if noise else title
