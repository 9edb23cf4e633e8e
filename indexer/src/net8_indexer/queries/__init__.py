"""What pages and the API ask: one module for each subject. Every list has a bound.

Energy is in Wh, money in grains, prices in grains per Wh, times in unix seconds, a slot is unix time // 900 and an hour
unix time // 3600. Sums in wei or in the euro's units are text in JSON: they exceed what JSON's readers keep exact.
"""
