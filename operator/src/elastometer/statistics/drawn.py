"""How likely a part of a whole is to hold so many of something, if chance alone chose them."""
from __future__ import annotations

from math import exp, lgamma


def hypergeometric_at_least(hits: int, drawn: int, marked: int, whole: int) -> float:
    """P(X >= hits) for X = how many of `drawn` things, taken from a `whole` without putting any back, are among its
    `marked` ones. The sum of C(marked, k) C(whole - marked, drawn - k) / C(whole, drawn) from k = hits on: the upper
    tail of Fisher's exact test, R. A. Fisher, J. Roy. Statist. Soc. 85 (1922) 87-94; W. Feller, An Introduction to
    Probability Theory, 3rd edition, II.6. `drawn` and `marked` are at most `whole`.
    """
    most = min(drawn, marked)
    least = max(0, drawn + marked - whole)
    if hits <= least:
        return 1.0
    every = _log_ways(whole, drawn)
    return min(1.0, sum(exp(_log_ways(marked, k) + _log_ways(whole - marked, drawn - k) - every)
                        for k in range(hits, most + 1)))


def _log_ways(of: int, choose: int) -> float:
    return lgamma(of + 1) - lgamma(choose + 1) - lgamma(of - choose + 1)
