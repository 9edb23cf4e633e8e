"""Measures what NET8 costs: gas of every kind of call on anvil, and the time from a meter's reading to its payment."""
