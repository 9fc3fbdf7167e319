"""The simulator ("the twin"): requests, replicas and an autoscaler in virtual time. Pure; all randomness is seeded.

Rooms: engine and its parts (this folder) < reading (an autoscaler's documents) < fit (a recorded run as a scenario) <
search (other settings) < forecast (a test that was never run). May import analysis, hpa, promql and model. Start
reading at `engine.py` and `scenario.py`.
"""
