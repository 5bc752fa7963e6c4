# Compares one analysis with PyPI gbstats: the same moments, alternating rounds, in one run.
#
# Called by `cargo xtask bench stats` with our program, in an environment that has gbstats. Its exit code is 1 when a bar
# is missed.

import json
import subprocess
import sys
import time
from statistics import median

from gbstats.frequentist.tests import FrequentistConfig, SequentialConfig, SequentialTwoSidedTTest, TwoSidedTTest
from gbstats.gbstats import process_experiment_results
from gbstats.models.statistics import SampleMeanStatistic

ROUNDS = 5
CALLS = 200
ENTRY_CALLS = 40

# The bars of the design: microseconds of one Welch analysis with its interval, milliseconds of a whole dashboard, and how
# many times faster than gbstats' entry point and than its bare test.
WELCH_US_MAX = 1.0
DASHBOARD_MS_MAX = 50.0
ENTRY_RATIO_MIN = 1000.0
CLASS_RATIO_MIN = 100.0


def moments(case):
    """Revenue of two variations, another one for every case."""
    n = 20_000 + case
    buyers, value = 1_000 + case % 97, 2_500
    return [{"n": n + arm, "sum": (buyers + 60 * arm) * value, "sum_squares": 2 * (buyers + 60 * arm) * value**2} for arm in (0, 1)]


CASES = [moments(case) for case in range(CALLS)]


def statistics(case):
    return [SampleMeanStatistic(**arm) for arm in case]


def bare(test, config):
    def call(case):
        a, b = statistics(case)
        return test(a, b, config).compute_result()

    return call, CASES


def entry():
    rows = lambda case: [
        {
            "dimension": "", "variation": str(arm), "users": sums["n"], "count": sums["n"],
            "m0_id": "m", "m0_users": sums["n"], "m0_count": sums["n"], "m0_main_sum": sums["sum"],
            "m0_main_sum_squares": sums["sum_squares"],
        }
        for arm, sums in enumerate(case)
    ]
    analysis = {
        "var_names": ["control", "bold"], "var_ids": ["0", "1"], "weights": [0.5, 0.5], "baseline_index": 0,
        "dimension": "", "stats_engine": "frequentist", "sequential_testing_enabled": False,
        "difference_type": "absolute",
    }
    metric = {"id": "m", "name": "m", "statistic_type": "mean", "main_metric_type": "count"}
    inputs = [
        {"metrics": {"m": metric}, "analyses": [analysis], "query_results": [{"rows": rows(case), "metrics": ["m"]}]}
        for case in CASES[:ENTRY_CALLS]
    ]

    return process_experiment_results, inputs


def median_us(call, inputs):
    """The median of single calls in processor time: what the scheduler gives to others must not make gbstats slower.

    Our rounds are too short to be disturbed, so their time on the clock is the same thing.
    """
    times = []
    for given in inputs:
        start = time.thread_time()
        call(given)
        times.append((time.thread_time() - start) * 1e6)
    return median(times)


def main():
    program = sys.argv[1]
    absolute = FrequentistConfig(difference_type="absolute")
    theirs = {
        "entry point": entry(),
        "two-sided t-test": bare(TwoSidedTTest, absolute),
        "sequential test": bare(SequentialTwoSidedTTest, SequentialConfig(difference_type="absolute")),
    }
    rounds = {name: [] for name in theirs}
    own = []
    for _ in range(ROUNDS):
        for name, (call, inputs) in theirs.items():
            rounds[name].append(median_us(call, inputs))
        given = json.dumps(CASES)
        own.append(json.loads(subprocess.run([program], input=given, text=True, capture_output=True, check=True).stdout))
    call, inputs = theirs["entry point"]
    same_answers([call(given) for given in inputs], own[0]["pValues"])
    return report({name: median(times) for name, times in rounds.items()}, own)


def same_answers(found, ours):
    """What is faster must also be the same: the p-values of the first cases."""
    worst = 0.0
    for result, p_value in zip(found, ours):
        answer = result[0]["analyses"][0]["dimensions"][0]["variations"][1]["pValue"]
        worst = max(worst, abs(answer - p_value))
    print(f"p-values of {len(found)} cases differ by at most {worst:.1e}")
    if not worst < 1e-9:
        sys.exit("error: the two do not compute the same")


def report(theirs, own):
    ours = {name: median(run[name] for run in own) for name in ("welchUs", "alwaysValidUs", "dashboardMs")}
    print(f"medians of {ROUNDS} alternating rounds")
    for name, us in theirs.items():
        print(f"  gbstats {name:<18} {us:10.1f} us")
    print(f"  splitlight Welch, interval, lift interval    {ours['welchUs']:8.3f} us")
    print(f"  splitlight always-valid, both intervals      {ours['alwaysValidUs']:8.3f} us")
    dashboard = ours["dashboardMs"]
    print(f"  splitlight dashboard (100 experiments x 10 metrics x 3 variations x 5 segments) {dashboard:.1f} ms")
    bars = [
        ("Welch analysis, us", ours["welchUs"], "<=", WELCH_US_MAX),
        ("dashboard, ms", dashboard, "<=", DASHBOARD_MS_MAX),
        ("times faster than the entry point", theirs["entry point"] / ours["welchUs"], ">=", ENTRY_RATIO_MIN),
        ("times faster than the bare t-test", theirs["two-sided t-test"] / ours["welchUs"], ">=", CLASS_RATIO_MIN),
        ("times faster than the bare sequential test", theirs["sequential test"] / ours["alwaysValidUs"], ">=", CLASS_RATIO_MIN),
    ]
    missed = 0
    for name, value, relation, bar in bars:
        fits = value <= bar if relation == "<=" else value >= bar
        missed += not fits
        print(f"  {'ok    ' if fits else 'MISSED'} {name}: {value:,.2f}, bar {relation} {bar:,.0f}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
