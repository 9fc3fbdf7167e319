"""What the arguments of `vllm serve`, and of the stand-in beside it, mean: the one reader of them.

Begin with `reader.py`. `table.py` has the flags of one release of vLLM, `spelling.py` the forms that it takes for the
same flag, `values.py` what it makes of their values, and `command.py` finds the arguments in a container's command.
Imports the standard library only, since the operator and the stand-in share it and nothing else.
"""
