"""The real engine where there is no GPU: vLLM's build for CPUs, its image in the lab, and manifests that use it.

Start reading at `install.py`.
"""
