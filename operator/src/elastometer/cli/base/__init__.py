"""What every command shares: exit codes, options, text and tables, output files, reading a manifest without a cluster.

Imports no command. Start reading at `exits.py`.
"""
