"""What holds across real processes, on a real PostgreSQL: nothing here is simulated but the clock of one host."""
