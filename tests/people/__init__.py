"""A project whose users are spread over several tables and databases: see test_other_rows."""
