"""The process beside a meter: reads it, signs each reading, and repeats it until every operator has it."""
