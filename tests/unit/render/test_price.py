"""The price in words: each number with its unit, and why there is none."""
from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from elastometer.analysis.price.price import price
from elastometer.model.price import Overshoot, Part, Price
from elastometer.render.sections.price import bars, markdown
from elastometer.render.wording import prices
from support.price_worlds import Replica, demand_of_steps, no_demand, request, run_of, spec


def priced(*, known: bool = True, limits: dict[str, str] | None = None, money: bool = True) -> Price:
    """One replica all the time, and one from 45 s to 88 s of 100 s; two GPUs each, or the limits given."""
    lives = [Replica(-60, -59, -50), Replica(45, 46, 55, 85, 88)]
    test = spec(price={"perGPUHour": "3.60", "currency": "USD"}) if money else spec()
    demand = demand_of_steps([(0, 1), (40, 2), (80, 1)]) if known else no_demand()
    found = price(run_of(lives, 100, test=test, limits=limits, sizes=[(-60, 1), (45, 2), (85, 1)], requests=[
        request(0, 1, 1.5), request(1, 42, 44)]), demand)
    assert found is not None
    return found


def test_the_parts_are_in_gpu_seconds_with_their_share_and_end_with_the_sum():
    rows = [row for _, row in prices.part_rows(priced())]
    assert [row[:3] for row in rows] == [
        ("useful", "250.0", "87.4 %"), ("kept", "0.0", "0.0 %"), ("idle", "10.0", "3.5 %"),
        ("starting", "18.0", "6.3 %"),
        ("draining", "6.0", "2.1 %"), ("pending", "2.0", "0.7 %"), ("held", "286.0", "100.0 %")]


def test_without_gpus_they_are_replica_seconds_and_no_money_is_known():
    found = priced(limits={})
    assert prices.unit(found) == "Replica-seconds"
    assert next(prices.part_rows(found))[1][1] == "125.0"
    assert prices.money_rows(found) == [("Money", "NoData (the replicas ask for no GPU)")]
    assert "GPU-seconds: NoData (the replicas ask for no GPU)." in list(prices.remarks(found))


def test_money_is_to_the_cent_and_small_amounts_have_three_digits():
    assert prices.money_rows(priced()) == [
        ("Price of a GPU", "3.60 USD per hour"), ("The run", "0.284 USD"),
        ("Per 1,000 requests (2 served)", "142.00 USD"), ("Per million output tokens (200 counted)", "1,420.00 USD"),
        ("Per month (730 h of this run's traffic)", "7,463.52 USD")]
    assert prices.money_rows(priced(money=False)) == [("Money", "NoData (spec.price is not given)")]


def test_a_supply_that_cannot_be_known_has_dashes_and_says_why():
    rows = list(prices.alternative_rows(priced(known=False)))
    assert rows[0][:3] == ("this run", "varying", "284.0")
    assert rows[2] == ("always the peak demand", "–", "–", "–", "NoData (the demand is not known)", "–")
    assert rows[3][1:4] == ("3", "600.0", "211 %")


def test_each_number_of_missed_seconds_names_its_source():
    found = priced()
    cells = [row[4] for row in prices.alternative_rows(found)]
    assert cells == ["1 s, measured", "NoData (only a simulation can say how long its queue would have lasted)",
                     "0 s, by the demand", "0 s, by the demand", "0 s, by the demand"]


def test_the_bar_covers_the_whole_and_has_nothing_for_an_empty_part():
    found = bars(priced())
    assert [bar.label for bar in found] == ["useful", "idle", "starting", "draining", "pending"]
    assert found[0].left == 0
    assert found[-1].left + found[-1].width == pytest.approx(100, abs=0.01)
    for left, right in pairwise(found):
        assert left.left + left.width == pytest.approx(right.left, abs=0.01)
    without = replace(priced(), parts=tuple(one for one in priced().parts if one.part is Part.USEFUL))
    assert len(bars(without)) == 1
    assert bars(None) == ()


def test_markdown_has_all_tables_and_none_without_a_price():
    titles = [line for line in markdown(priced()) if line.startswith("## ")]
    assert titles == ["## Price: GPU-seconds", "## Other supplies of the same demand", "## Money"]
    assert list(markdown(None)) == []


def test_a_predicted_median_comes_with_its_span():
    least = priced().alternatives[1]
    one = replace(least, miss_seconds=12, miss_low=3, miss_high=20, miss_source=prices.MissSource.PREDICTED)
    assert prices.misses(priced(), one) == "12 s (3–20), predicted"


def test_the_summary_says_what_was_held_what_the_oracle_holds_and_the_money():
    assert prices.summary_rows(priced()) == [
        ("GPU-seconds", "286.0 held: 87.4 % useful, 0.0 % kept, 3.5 % idle, 6.3 % starting, 2.1 % draining, "
                        "0.7 % pending"),
        ("oracle", "300.0; objective-miss seconds: 0 s, by the demand"),
        ("money", "0.284 USD; per 1,000 requests 142.00 USD; per million output tokens 1,420.00 USD; "
                  "per month 7,463.52 USD")]
    assert prices.summary_rows(None) == []


def test_overshoot_is_said_only_where_there_was_one():
    assert "No overshoot: never more replicas were Ready or ordered than the highest demand (2, with what waited)." in \
        list(prices.remarks(priced()))
    over = replace(priced(), overshoot=Overshoot(2, 1, 30_000, 2, 45_000))
    assert ("Overshoot beyond the highest demand (2, with what waited): at most 1 Ready (60.0 GPU-seconds in all) and "
            "2 ordered (90.0).") in list(prices.remarks(over))
