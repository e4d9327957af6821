"""What was said and done with people: notes, calls, meetings, e-mails."""
