"""Draws what `quorate-bench` has written: one SVG for each load of a table, and for each curve.

`python3 -m tests.bench.plot REPORT.json`, where matplotlib is. The pictures go beside the report.
"""

import json
import pathlib
import re
import sys

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot  # noqa: E402  (the kind of output is chosen first)

matplotlib.rcParams["svg.fonttype"] = "none"  # text stays text: a third of the bytes

SIZE_INCHES = (9, 5)
# By the name of a curve: what is drawn upwards, its label, and whether the axes are logarithmic (x, y).
THROUGHPUT = ("per_second", "per second", True, True)
KINDS = {
    "open loop": ("p99_us", "p99 (µs)", False, True),
    "over the size of the database": ("per_second", "per second", True, False),
    "idle connections": ("resident_kib", "memory (KiB)", False, False),
}


def save(figure, report, name):
    path = report.with_name(f"{report.stem}-{re.sub('[^a-z0-9]+', '-', name.lower()).strip('-')}.svg")
    figure.savefig(path, bbox_inches="tight")
    pyplot.close(figure)
    print(path)


def draw_bars(report, name, connections, measurements):
    figure, axes = pyplot.subplots(figsize=SIZE_INCHES)
    rates = [one["per_second_median"] for one in measurements]
    of_runs = [[run["per_second"] for run in one["runs"]] for one in measurements]
    low = [rate - min(runs) for rate, runs in zip(rates, of_runs)]
    high = [max(runs) - rate for rate, runs in zip(rates, of_runs)]
    bars = axes.barh([one["target"] for one in measurements], rates, xerr=[low, high], capsize=3)
    axes.bar_label(bars, [f"{rate:,.0f}" for rate in rates], padding=6)
    axes.invert_yaxis()
    axes.set_xlabel("per second: median, slowest and fastest round")
    axes.set_title(f"{name}, {connections} connection{'s' if connections > 1 else ''}")
    save(figure, report, f"{name} {connections}")


def draw_table(report, measurements):
    for name, connections in dict.fromkeys((one["name"], one["connections"]) for one in measurements):
        same = [one for one in measurements if (one["name"], one["connections"]) == (name, connections)]
        if len(same) > 1:
            draw_bars(report, name, connections, same)


def draw_series(report, curve):
    figure, axes = pyplot.subplots(figsize=SIZE_INCHES)
    y, label, log_x, log_y = next((kind for part, kind in KINDS.items() if part in curve["name"]), THROUGHPUT)
    for series in curve["series"]:
        points = series["points"]
        axes.plot([point["x"] for point in points], [point[y] for point in points], marker="o", label=series["target"])
    axes.set_xscale("log" if log_x else "linear")
    axes.set_yscale("log" if log_y else "linear")
    if not log_y:
        axes.set_ylim(bottom=0)
    axes.set_xlabel(curve["x"])
    axes.set_ylabel(label)
    axes.set_title(curve["name"])
    axes.grid(alpha=0.3)
    axes.legend()
    save(figure, report, curve["name"])


def draw_timeline(report, curve):
    """One line for each round: the operations of each slot of time."""
    rounds = [point for series in curve["series"] for point in series["points"]]
    figure, all_axes = pyplot.subplots(len(rounds), sharex=True, squeeze=False, figsize=(SIZE_INCHES[0], 2 * len(rounds)))
    for axes, point in zip(all_axes.flat, rounds):
        times = [slot * point["slot_ms"] for slot in range(len(point["slot_operations"]))]
        axes.step(times, point["slot_operations"], where="post")
        axes.axvline(point["killed_at_ms"], color="red", linestyle="--")
        axes.set_title(f"longest gap {point['longest_gap_ms']:.0f} ms", fontsize="small")
    all_axes.flat[-1].set_xlabel("ms")
    figure.supylabel(f"operations per {rounds[0]['slot_ms']} ms")
    figure.suptitle(curve["name"])
    save(figure, report, curve["name"])


def main():
    report = pathlib.Path(sys.argv[1])
    content = json.loads(report.read_text(encoding="utf-8"))
    draw_table(report, content.get("measurements", []))
    for curve in content.get("curves", []):
        is_timeline = "slot_operations" in curve["series"][0]["points"][0]
        (draw_timeline if is_timeline else draw_series)(report, curve)


if __name__ == "__main__":
    main()
