"""The first screen of a report: what happened, what it cost, the worst minute, and the sentences that say so.

It reads the parts of a report that are made before it, and is read by nothing but `analyze` and the judgement above
it. Start reading at `story.py`.
"""
