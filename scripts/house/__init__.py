"""The plan of the package, read from its source: checked by `python -m scripts.house`, drawn by `….house.draw`."""
