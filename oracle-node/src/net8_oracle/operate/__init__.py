"""What an operator does by hand: begin, look whether everything is in order, stake, leave."""
