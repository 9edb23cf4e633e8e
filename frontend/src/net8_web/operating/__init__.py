"""What grid operators, the contracts' owner and the guardian do: one module a form, beside the state it changes."""
