"""Levels of load: each closed-loop stage and each step of a Knee as a row, and the limit that they recommend.

Start with `levels`, which makes the rows; `spans` finds them, `rates` counts what was served in their time, `held`
judges the objectives at each, `limit` compares them. May import everything below `analysis.tables` but the story.
"""
