"""The demand of a run: the fewest replicas that meet its objectives at each instant, from the best source there is.

Begin with `demand`. Opens only downwards: the capacity of one replica, the derived run, the model.
"""
