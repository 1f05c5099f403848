"""The question language, which is also the match part of the native language."""
