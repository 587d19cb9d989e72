"""The door for backend services: JSON in, JSON out, problems as RFC 9457."""
