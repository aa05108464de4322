"""A study summary as a table for people."""

from overread.study.summary import StudySummary


def format_summary(summary: StudySummary) -> str:
    """What `overread study info` prints: the study, and one line per source."""
    lines = [
        f"{summary.name}: {summary.modality}, {summary.dimensions}D, channels {', '.join(summary.channels)}; "
        f"{summary.case_count} cases of {summary.subject_count} subjects",
        f"columns of cases.csv: {', '.join(summary.columns) or 'none'}",
    ]
    if not summary.sources:
        return "\n".join([*lines, "no sources"])
    width = max(len(name) for name in [*summary.sources, "source"]) + 2
    lines.append(f"{'source':{width}}{'kind':16}{'labelled':>9}{'missing':>9}{'empty':>7}  mean load")
    for name, source in summary.sources.items():
        load = "–" if source.mean_load is None else f"{source.mean_load:.4g} {summary.load_unit}"
        counts = f"{source.labelled:9}{source.missing:9}{len(source.empty_cases):7}"
        lines.append(f"{name:{width}}{source.kind:16}{counts}  {load}")
    return "\n".join(lines)
