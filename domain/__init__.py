"""What Relance decides, computed from values alone: no clock, no database, no network."""
