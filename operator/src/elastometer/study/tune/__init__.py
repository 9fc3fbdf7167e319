"""Better settings for a recorded run, found by the twin and to be confirmed by live runs."""
