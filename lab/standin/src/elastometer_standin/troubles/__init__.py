"""What goes wrong on demand: which fault strikes which request and when, memory that is really allocated, pauses of
the engine. Whether a request is struck depends on the request and on its circumstances, never on a random number."""
