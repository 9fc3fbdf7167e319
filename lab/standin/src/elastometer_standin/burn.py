"""CPU time that is spent on nothing, so that an autoscaler on CPU utilization has a load to follow."""

import time


def burn_cpu(seconds: float) -> None:
    """Keep one core busy until this thread has used this much CPU time, however long that takes on a busy core."""
    if seconds <= 0:
        return
    # Thread time and not wall time: on a throttled or shared core the same amount of CPU is really spent, only later.
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass
