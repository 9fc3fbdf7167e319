"""What would be sent, and when, before anything is sent: arrivals, prompts, lengths, an overview. Pure.

Everything follows from the profile and its seed, so that N workers share one schedule without talking to each other.
May import profile, stages, checks and base. Start reading at `schedule.py`.
"""
