"""Measures what NET8 costs: gas of every call, the time from a reading to its payment, and what the servers bear."""
