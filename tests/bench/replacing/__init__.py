"""What handover.py measures with: a place to work in, programs, ways to replace them, a load."""
