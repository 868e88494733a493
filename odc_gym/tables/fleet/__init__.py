"""Tables that all episodes of a scenario share: hardware, surroundings, sustainable plans and class rules."""
