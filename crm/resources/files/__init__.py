"""Files: documents and pictures, attached to any record."""
