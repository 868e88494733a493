"""Tables of radiation upsets, hardware failures and outages."""
