"""The processes that measure: one for each candidate, told by lines of JSON what to do."""
