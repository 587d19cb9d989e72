"""Decide and wait. Files here import only the standard library, temporalio, pydantic, `domain`, options and the types
of `activities`, all passed through; dates are computed elsewhere and handed in."""
