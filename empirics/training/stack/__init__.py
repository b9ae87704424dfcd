"""Several networks of one architecture trained as one: their weights are stacked along a first axis, the members."""
