"""In short: one sentence for each question that a run answers, made from the tables of its report.

`in_short` collects them. Each question has one pure function `(report) -> InShort | None` in the module of its tables;
None where the run does not raise the question. May import `model` only, and knows neither evidence nor requests.
"""
