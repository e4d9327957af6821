"""What each contract says about itself: its OpenAPI document and the pages that show it."""
