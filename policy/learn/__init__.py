"""Lessons: what they say, the proof that it is so, and grading for all packets."""
