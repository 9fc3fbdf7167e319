"""How numbers, answers, knees and the autoscaler's account are phrased: one wording for all formats. Pure.

Imports the model alone. Start reading at `numbers.py`.
"""
