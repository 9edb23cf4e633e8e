"""The pages; each module has one `render`."""
