"""Routes, transfer rates and stored data of the satellites."""
