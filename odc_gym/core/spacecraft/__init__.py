"""Power, heat, clocks and outages of the satellites in one physics step."""
