"""What our parts do, as a share of what the bare parts can do, measured in the same run, interleaved."""
