"""The NET8 web app: trade, watch and settle from a browser wallet."""
