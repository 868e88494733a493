"""Arrays of the compiled core: the name, unit and shape of each field, and the bundle of one environment."""
