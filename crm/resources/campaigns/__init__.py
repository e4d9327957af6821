"""Campaigns: one mail to every member of a list who agreed to get it."""
