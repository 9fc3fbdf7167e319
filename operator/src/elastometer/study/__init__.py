"""A study: variants of one test, their runs compared, and other settings asked of the twin. Pure."""
