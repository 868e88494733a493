"""Trained policies as files of the package: tensors with their origin, and their actor in NumPy.

The scheduler `learned` plays them without PyTorch:

    >>> from odc_gym.agents import scheduler_factory
    >>> scheduler_factory("learned").knows_future
    False
"""
