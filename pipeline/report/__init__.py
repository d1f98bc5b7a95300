"""The report of a run: one self-contained HTML page for a person who wants to see at a glance whether it is good."""

from pipeline.report.page import write_report

__all__ = ["write_report"]
