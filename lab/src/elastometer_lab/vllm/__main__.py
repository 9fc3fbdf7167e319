"""`python -m elastometer_lab.vllm`: installs vLLM's build for CPUs, or says where it is."""
import sys

from elastometer_lab.vllm.install import main

sys.exit(main(sys.argv[1:]))
