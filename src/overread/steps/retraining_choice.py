"""Which networks of a study are kept up to date."""

from overread.errors import InputError
from overread.evaluation.retraining_records import RetrainingChoice
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
    pairs = {mix: tuple(part.strip() for part in mix.split(MIX_SIGN)) for mix in choice.mixes}
    for mix, parts in pairs.items():
        if len(parts) != 2:
            raise InputError("a mix must be a pair of sources, a+b", found=repr(mix))
        study.select_sources(parts)
    return {**{name: (name,) for name in names}, **{MIX_SIGN.join(parts): parts for parts in pairs.values()}}
