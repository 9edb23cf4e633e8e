"""Forms of the Trade page: one module a form, and what they share."""
