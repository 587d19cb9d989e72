"""Sessions from a file: read, checked as the API checks them, written in one transaction, planned."""
