"""An oracle operator's process: checks readings, agrees with its peers, settles on chain."""
