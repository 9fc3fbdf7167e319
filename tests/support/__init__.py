"""What tests of several rooms share: clocks, fakes of servers, worlds made by hand, and a synthetic run.

Importable (`from support.clocks import SteppedClock`) because pytest's `pythonpath` names `tests`. Typed like the
product, and checked by mypy. A test never imports another test's file: what two of them need belongs here.
"""
