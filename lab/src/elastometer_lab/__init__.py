"""A real Kubernetes on one Linux host, without Docker, for the end-to-end tests and the demo.

It may import only itself and third-party packages: the lab must run before anything of the product is installed. Start
reading at `cli`, then `bringup` (what `up` does, in order), `component` (how one program is kept running), `teardown`.
docs/lab.md describes what the lab does to the host.
"""
