"""Faults: Kith as it runs, in real processes, while what it stands on is killed, stopped and emptied.

The numbers are those of the design. F1 to F3, F6 to F11, F16 to F18, F21 and the worker's half of F15 are here; F4 and
F5 are in tests/test_idempotency.py, two points of F3 for every run in tests/test_faults.py, F12 in tests/webhooks/
test_hostile.py, F13 in test_sender.py, F14 in test_guard.py, and the receiver's half of F15 in test_signing.py.
"""
