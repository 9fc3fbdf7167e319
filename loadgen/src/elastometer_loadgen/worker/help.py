"""What `--help` prints below the options: what a command is for, exit codes, environment variables and examples."""

from elastometer_loadgen.worker.options import API_KEY_VARIABLE, INCARNATION_VARIABLE, INDEX_VARIABLE

EPILOG = f"""\
exit codes:
  0  the load was carried out
  2  the command or the profile is invalid; nothing was sent
  3  the load was carried out, but the generator fell behind its schedule: it, and not the server, was the limit
     (with --report-to the summary says so instead, and the code is 0)
  4  the load could not be carried out (the run was stopped, the disk is full, the receiver cannot be reached)
  5  the load was carried out, but the server rejected every request with a client error or a redirect: nothing was
     measured (with --report-to the records say so, and the code is 0)

environment:
  {INDEX_VARIABLE}     default of --worker; Kubernetes sets it in the Pods of an Indexed Job
  {INCARNATION_VARIABLE}  default of --incarnation
  {API_KEY_VARIABLE}      sent as `Authorization: Bearer …` when --api-key-file is not given

examples:
  elastometer-load plan profile.yaml --output table
  elastometer-load run profile.yaml --target http://localhost:8000 --out run-1
  elastometer-load merge worker-0 worker-1 --out run-1

docs/load.md shows every type of stage by example.
"""
PLAN_HELP = """\
Use it to check a profile before anything is sent. Stages whose requests depend on the answers (Users, Concurrency,
Knee, Sweep) appear in the table and in json, but have no lines. docs/load.md shows every type of stage by example.

examples:
  elastometer-load plan profile.yaml --output table
  elastometer-load plan profile.yaml | head

exit codes: 0 the profile is valid, 2 the command or the profile is invalid
"""
RUN_HELP = """\
While it runs, one line per second shows the progress. At the end --out holds report.html (a page for readers),
summary.json (exact percentiles) and requests.jsonl.zst (one record per request). Ctrl-C stops the load.

examples:
  elastometer-load run profile.yaml --target http://localhost:8000 --out run-1
  elastometer-load run profile.yaml --target http://localhost:8000 --out worker-0 --workers 2 --worker 0
  elastometer-load run profile.yaml --target https://host --out run-2 --api-key-file key.txt --metrics 9100

exit codes: 0 carried out, 2 the command or the profile is invalid, 3 the generator fell behind its schedule,
4 not carried out, 5 every request was rejected; `elastometer-load --help` explains them
"""
MERGE_HELP = """\
Use it after several workers have run the same profile with --workers and --worker. Percentiles are computed from all
records, so the result does not depend on the number of workers.

example:
  elastometer-load merge worker-0 worker-1 --out run-1

exit codes: 0 merged, 2 the command is invalid or a directory holds no run, 3 a worker fell behind its schedule,
5 every request was rejected
"""
