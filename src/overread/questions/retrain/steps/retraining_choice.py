"""Which networks of a study are kept up to date."""

from overread.errors import InputError
from overread.questions.retrain.records import RetrainingChoice
from overread.study.study import Study

MIX_SIGN = "+"


def list_label_choices(study: Study, choice: RetrainingChoice) -> dict[str, tuple[str, ...]]:
    """The sources of each network, by what it learns.

    Raises:
        InputError: a source is unknown, a mix is not a pair of different sources, or something is named twice.
    """
    names = study.select_sources(choice.sources)
    if not names:
        raise InputError("a study must have at least one source that is neither hidden nor derived", found="none")
    if choice.reference:
        study.select_sources((choice.reference,))
    found: dict[str, tuple[str, ...]] = {name: (name,) for name in names}
    for mix in choice.mixes:
        parts = _split_mix(study, mix)
        labels = MIX_SIGN.join(parts)
        if labels in found or labels in study.settings.sources:
            raise InputError("a mix must be named once, and unlike any source", found=repr(labels))
        found[labels] = parts
    return found


def _split_mix(study: Study, mix: str) -> tuple[str, ...]:
    parts = tuple(part.strip() for part in mix.split(MIX_SIGN))
    if len(parts) != 2:
        raise InputError("a mix must be a pair of sources, a+b", found=repr(mix))
    return study.select_sources(parts)
