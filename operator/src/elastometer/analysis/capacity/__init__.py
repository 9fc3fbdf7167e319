"""What one replica can do, from the requests that it served.

Begin with `fit`. Opens only downwards: the derived run, the model. The twin and the demand read it from here.
"""
