"""What the commands `run` and `fetch` do in a cluster: create and follow a test, explain API errors, fetch its bundle.

May import `cli.base`. Start reading at `cluster.py`.
"""
