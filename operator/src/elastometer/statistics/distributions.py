"""Binomial and Student distributions, both from the regularized incomplete beta function."""
from __future__ import annotations

from functools import lru_cache
from math import exp, lgamma, log, log1p, pi
from statistics import NormalDist

# Each tail of a two-sided interval at 95 %.
TAIL = 0.025
_TERMS = 100_000
_STEPS = 100
_TINY = 1e-300
_PRECISION = 1e-14


def binomial_at_most(hits: int, count: int, share: float) -> float:
    """P(X <= hits) for X ~ Bin(count, share): I_{1-share}(count - hits, hits + 1), Abramowitz and Stegun 26.5.24."""
    if hits < 0:
        return 0.0
    if hits >= count:
        return 1.0
    return regularized_beta(1 - share, count - hits, hits + 1)


@lru_cache(maxsize=4096)
def student_quantile(freedom: float) -> float:
    """The quantile of Student's t that 97.5 % do not exceed, for `freedom` of at least 1, whole or not.

    P(|T| > t) = I_{v/(v+t²)}(v/2, 1/2), Abramowitz and Stegun 26.7.1; solved by Newton's method from the normal
    quantile, which is smaller. That probability is convex in t, so that no step goes beyond the solution.
    """
    scale = lgamma((freedom + 1) / 2) - lgamma(freedom / 2) - log(freedom * pi) / 2
    found = NormalDist().inv_cdf(1 - TAIL)
    for _ in range(_STEPS):
        beyond = regularized_beta(freedom / (freedom + found * found), freedom / 2, 0.5)
        density = exp(scale - (freedom + 1) / 2 * log1p(found * found / freedom))
        step = (beyond - 2 * TAIL) / (2 * density)
        found += step
        if abs(step) < _PRECISION * found:
            break
    return found


def regularized_beta(x: float, a: float, b: float) -> float:
    """I_x(a, b) by its continued fraction, Abramowitz and Stegun 26.5.8, which converges fast below the mean."""
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    if x > (a + 1) / (a + b + 2):
        return 1.0 - regularized_beta(1 - x, b, a)
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x))
    return front / (a * _continued_fraction(x, a, b))


def _continued_fraction(x: float, a: float, b: float) -> float:
    """1 + d1/(1 + d2/(1 + ...)) by Lentz's method as modified by Thompson and Barnett (J. Comput. Phys. 64, 1986)."""
    value, upper, lower = 1.0, 1.0, 0.0
    for term in range(1, _TERMS):
        m, is_odd = divmod(term, 2)
        if is_odd:
            step = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            step = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        lower = 1 / _not_zero(1 + step * lower)
        upper = _not_zero(1 + step / upper)
        value *= upper * lower
        if abs(upper * lower - 1) < _PRECISION:
            return value
    raise ArithmeticError(f"the incomplete beta function must converge within {_TERMS} terms, "
                          f"did not for x={x}, a={a}, b={b}")


def _not_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
