"""Comparison of schedulers on equal episodes, with paired differences and confidence intervals.

`evaluate` lets every scheduler play the same episodes of a scenario, in several processes if requested. `document`,
`markdown` and `print_report` present the resulting `Comparison`. A `Store` keeps finished episodes on disk. The suites
`TRAINING`, `TEST` and `VALIDATION` share no seed.

    from odc_gym.agents import scheduler_factory
    from odc_gym.evaluation import evaluate
    from odc_gym.scenario import Scenario

    schedulers = {name: scheduler_factory(name) for name in ("zero", "full-clock")}
    comparison = evaluate(Scenario.load("starter12"), schedulers, seeds=range(20_000, 20_004), workers=1)
    print(comparison.scores("zero") - comparison.scores("full-clock"))
"""

from odc_gym.evaluation.documents import document, documents
from odc_gym.evaluation.files import write_document, write_text
from odc_gym.evaluation.report import markdown, markdown_sections, print_report
from odc_gym.evaluation.results import Comparison, SchedulerResult
from odc_gym.evaluation.runner import evaluate, evaluate_all
from odc_gym.evaluation.store import Store
from odc_gym.evaluation.suites import TEST, TRAINING, VALIDATION
from odc_gym.evaluation.text_tables import text_report

__all__ = [
    "TEST",
    "TRAINING",
    "VALIDATION",
    "Comparison",
    "SchedulerResult",
    "Store",
    "document",
    "documents",
    "evaluate",
    "evaluate_all",
    "markdown",
    "markdown_sections",
    "print_report",
    "text_report",
    "write_document",
    "write_text",
]
