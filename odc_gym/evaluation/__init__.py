"""Fair comparison of schedulers: the same episodes, paired differences, intervals."""

from odc_gym.evaluation.documents import document, documents
from odc_gym.evaluation.files import write_document, write_text
from odc_gym.evaluation.report import markdown, print_report
from odc_gym.evaluation.results import Comparison, SchedulerResult
from odc_gym.evaluation.runner import evaluate, evaluate_all
from odc_gym.evaluation.store import Store
from odc_gym.evaluation.suites import TEST, TRAINING, VALIDATION

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
    "print_report",
    "write_document",
    "write_text",
]
