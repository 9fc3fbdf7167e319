"""Scale-outs as one waterfall each: demand, the autoscaler's decision and the start of the last Pod, on one axis.

Start reading at `waterfalls.py`. It joins what `demand`, `autoscaler` and `starts` found, and measures nothing again.
"""
