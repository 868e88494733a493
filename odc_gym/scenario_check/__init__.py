"""Checks of a scenario that `odc-gym scenario check` prints: closed forms, network and faults.

`design_report` returns all rows. `network_report` and `fault_report` return those of the network and of disturbances.

Example:
    >>> from odc_gym.scenario import Scenario
    >>> from odc_gym.scenario_check.design_report import design_report
    >>> rows = {row.name: row for row in design_report(Scenario.load("starter12"))}
    >>> f"{rows['period'].value:.2f} {rows['period'].unit}"
    '95.65 min'
    >>> rows["binds most"].value
    'energy'
"""
