"""Tables that all episodes of a scenario share: design numbers, surroundings, sustainable plans and class rules.

`FleetModel` holds them all. `design_numbers` converts the hardware of one satellite to SI, and `solve_orbits` computes
the compute power that a satellite can sustain.

Example:
    >>> from odc_gym.scenario import Scenario
    >>> from odc_gym.tables.fleet.design import design_numbers
    >>> from odc_gym.tables.fleet.fleet_model import FleetModel
    >>> scenario = Scenario.load("starter12")
    >>> design_numbers(scenario.hardware["odcsat"])["array_peak_w"]
    7938.0
    >>> fleet = FleetModel(scenario)
    >>> f"{fleet.sustainable:.1f} of {fleet.accelerators} accelerators"
    '75.7 of 96 accelerators'
"""
