"""Actions, observations and rewards: each a table of named rows, decoded and encoded only here."""
