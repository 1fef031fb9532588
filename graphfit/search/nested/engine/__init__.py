"""The compiled part: from a target to the weighted points of a run, nothing allocated."""
