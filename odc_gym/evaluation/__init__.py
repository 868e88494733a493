"""Fair comparison of schedulers: the same episodes, paired differences, intervals."""

from odc_gym.evaluation.report import document, print_report, write_document
from odc_gym.evaluation.runner import AgentResult, Comparison, evaluate
from odc_gym.evaluation.suites import TEST, TRAINING, VALIDATION

__all__ = [
    "TEST",
    "TRAINING",
    "VALIDATION",
    "AgentResult",
    "Comparison",
    "document",
    "evaluate",
    "print_report",
    "write_document",
]
