"""Files: one format each, functions over records."""
