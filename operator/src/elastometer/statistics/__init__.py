"""Statistics for every table of a report and every comparison of runs, each formula once and with its source.

Pure functions of numbers: they know no report, no request and no clock. All intervals are at 95 %.

| for | function | method |
|---|---|---|
| a percentile | `percentiles.percentile` | order statistics, distribution-free |
| a share | `rates.rate` | Wilson's score interval; an exact bound for 0 of n and n of n |
| a mean of values in order of time | `means.mean_by_blocks` | means of blocks, Student's t |
| a trend | `slopes.theil_sen` | median of pairwise slopes, Kendall's variance |
| means of repetitions | `repetitions.interval_of_difference` | Student's t; Welch's for unequal counts |
| a difference of two runs or stages | `differences.difference` | circular block bootstrap |

Percentiles, shares and slopes assume values that do not depend on each other. Latencies of neighbouring requests do:
their true intervals are wider than the ones stated here. Means and differences work in blocks, which allows for most
of it.
"""
