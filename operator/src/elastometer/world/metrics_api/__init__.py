"""What the metrics APIs answer the autoscaler, asked for by the recorder at about the same time.

`queries` knows which APIs an autoscaler's metrics come from and reads their answers; `polls` decides when to ask.
"""
