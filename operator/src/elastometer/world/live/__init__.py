"""The view of a run while it lasts: counted from the records as they arrive, as JSON and as one page for a browser.
It is for people who watch, and never for a verdict, which comes from the finished record alone."""
