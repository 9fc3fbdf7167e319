"""Which chunks of a stream came together, so that the time between them is not the server's. Pure."""

# What is sent in one piece may be read in several. Chunks came with the first one if they were read within this time
# of it, plus this for each of them: no server generates 20,000 tokens per second for one request.
JOINT_SECONDS, JOINT_SECONDS_PER_CHUNK = 1e-3, 5e-5
# A whole stream that is quicker than this was held back and then passed on event by event, each with a delay of its
# own: 4,000 tokens per second are still more than a server generates for one request.
LEAST_SECONDS_PER_CHUNK = 2.5e-4


def joint_seconds(chunks: int) -> float:
    """For how long after the first chunk the next one may come and still belong to it and these `chunks`."""
    return JOINT_SECONDS + JOINT_SECONDS_PER_CHUNK * chunks


def are_joint(chunks: int, span: float) -> bool:
    """True where so many chunks within this time can only have been held back."""
    return span < LEAST_SECONDS_PER_CHUNK * (chunks - 1)
