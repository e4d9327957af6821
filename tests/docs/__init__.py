"""What the documents promise, held against what the API does."""
