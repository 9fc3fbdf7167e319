"""The prediction of a test that was never run, written as a bundle so that the usual analysis judges it.

May import fit, search and the engine. Start reading at `planned.py` and `synthetic.py`.
"""
