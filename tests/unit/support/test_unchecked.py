"""The end of a run names every claim that it could not check, and why."""

import pytest

from support.unchecked import unchecked_lines

pytest_plugins = ("pytester",)
AUDIT = "Skipped: NO AUDIT LOG: only the lab's can be read"


def test_claims_are_listed_once_below_what_they_lack() -> None:
    skipped = [
        ("tests/e2e/test_main_job.py::test_each_write_is_reported[a]", AUDIT),
        ("tests/e2e/test_main_job.py::test_each_write_is_reported[b]", AUDIT),
        ("tests/e2e/test_other_scalers.py::test_instants_agree", AUDIT),
        ("tests/contract/test_chart.py::test_the_chart", "Skipped: NO HELM: put helm on PATH"),
    ]
    assert unchecked_lines(skipped) == [
        "NO AUDIT LOG, so these claims were NOT CHECKED: test_each_write_is_reported, test_instants_agree",
        "NO HELM, so these claims were NOT CHECKED: test_the_chart",
    ]


def test_a_skip_that_lacks_nothing_is_left_to_pytest() -> None:
    assert unchecked_lines([("a.py::test_windows", "Skipped: the lab needs root on Linux")]) == []


def test_a_run_ends_with_the_claims_that_it_did_not_check(pytester: pytest.Pytester) -> None:
    pytester.makeconftest('pytest_plugins = ("support.unchecked",)')
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    pytester.makepyfile("""
        import pytest

        def test_every_write_is_reported():
            pytest.skip("NO AUDIT LOG: none here")
    """)
    ended = pytester.runpytest_inprocess()
    ended.stdout.fnmatch_lines(["NO AUDIT LOG, so these claims were NOT CHECKED: test_every_write_is_reported"])
