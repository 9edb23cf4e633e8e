"""The pages; each module has one `render`, and its name is its address."""
