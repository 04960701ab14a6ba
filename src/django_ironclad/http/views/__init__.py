"""The endpoints: plain Django views, one set for every framework."""
