"""Measuring the masks of a study."""

from statistics import fmean

from overread.questions.mask_size.results import MaskSizes

from overread.study.study import Study, compute_load


def measure_sizes(study: Study) -> MaskSizes:
    """Mean load per source over the cases that all sources labelled."""
    sources = study.select_sources()
    cases = sorted(set.intersection(*(set(study.labelled_case_ids(source)) for source in sources)))
    means = {
        source: fmean(compute_load(study.labels(source).read(case), study.read_spacing(case)) for case in cases)
        for source in sources
    }
    return MaskSizes(means=means, unit=study.settings.load_unit, case_count=len(cases))
