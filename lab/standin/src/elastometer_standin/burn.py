"""CPU time spent for its own sake, where an autoscaler is to see it."""

import time


def burn_cpu(seconds: float) -> None:
    """Keep one core at work until this thread has used so much CPU time, however long a busy core takes for it."""
    if seconds <= 0:
        return
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass
