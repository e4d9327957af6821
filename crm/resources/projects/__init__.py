"""Work that takes more than one visit."""
