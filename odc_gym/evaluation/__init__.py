"""Fair comparison of schedulers: the same episodes, paired differences, intervals."""

from odc_gym.evaluation.files import write_document
from odc_gym.evaluation.report import document, print_report
from odc_gym.evaluation.results import AgentResult, Comparison
from odc_gym.evaluation.runner import evaluate, evaluate_all
from odc_gym.evaluation.store import Store
from odc_gym.evaluation.suites import TEST, TRAINING, VALIDATION

__all__ = [
    "TEST",
    "TRAINING",
    "VALIDATION",
    "AgentResult",
    "Comparison",
    "Store",
    "document",
    "evaluate",
    "evaluate_all",
    "print_report",
    "write_document",
]
