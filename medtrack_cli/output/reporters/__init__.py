"""The formats in which a validation is reported: for people, programs, and CI systems."""
