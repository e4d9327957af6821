"""What people and programs say about a task."""
