"""The only room that holds a Temporal client: start, signal, describe."""
