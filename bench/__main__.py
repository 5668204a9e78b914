"""``make bench``: every measurement, as tables on the terminal and in ``bench/results/``.

``python -m bench --full`` also grows to a million people; ``--rounds N`` sets the
rounds of sign-ins (5); ``--gate`` measures the verdicts on requests to apps alone.
"""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles

from bench import databases, gate, gate_served, growth, sign_ins

RESULTS = Path(__file__).parent / "results"
GOAL_MS = 13.0


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--full", action="store_true", help="grow to a million people")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of sign-ins")
    parser.add_argument("--gate", action="store_true", help="the verdicts on requests alone")
    options = parser.parse_args()
    kinds = [k for k in databases.KINDS if k == "sqlite" or databases.answers()]
    lines = []
    if not options.gate:
        lines += _measure_sign_ins(kinds, options.rounds)
        lines += _measure_growth(kinds, [1_000, 100_000, *([1_000_000] if options.full else [])])
    lines += _measure_gate(kinds)
    if len(kinds) == 1:
        lines.append("PostgreSQL was left out: none answers at GATEPOST_TEST_POSTGRES.")
    text = "\n".join(lines) + "\n"
    sys.stdout.write(text)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{datetime.now(UTC):%Y%m%d-%H%M%S}.txt").write_text(text)


def _measure_sign_ins(kinds: list[str], rounds: int) -> list[str]:
    lines = []
    for kind in kinds:
        with databases.made(kind, "signin") as database:
            lines += _describe_sign_ins(sign_ins.measure(database, rounds))
    return lines


def _measure_growth(kinds: list[str], sizes: list[int]) -> list[str]:
    lines = []
    for kind in kinds:
        with databases.made(kind, "growth") as database:
            lines += _describe_growth(kind, growth.measure(database, sizes))
    return lines


def _measure_gate(kinds: list[str]) -> list[str]:
    lines = []
    for kind in kinds:
        with databases.made(kind, "gate") as database:
            lines += _describe_verdicts(kind, gate.measure(database))
        with databases.made(kind, "served") as database:
            lines += _describe_served(gate_served.measure(database))
    return lines


def _describe_sign_ins(measured: sign_ins.Measured) -> list[str]:
    server, bare = median(measured.server_ms), median(measured.hash_ms)
    lines = [
        "",
        (
            f"Complete sign-ins, {measured.database}: {measured.sign_ins} of them,"
            f" {sign_ins.AT_ONCE} at once, {sign_ins.WORKERS} workers"
        ),
        f"  CPU of the server     {server:7.1f} ms a sign-in",
        f"  CPU of the bare hash  {bare:7.1f} ms in the same rounds ({server / bare:.2f} of it)",
        f"  CPU beside the hash   {measured.beside_ms:7.1f} ms (goal on SQLite: {GOAL_MS:.0f})",
        f"  CPU of the page after {median(measured.page_ms):7.1f} ms (the account page)",
        f"  memory of all workers {measured.rss_mb:7.0f} MB",
    ]
    if measured.database == "postgresql":
        lines.append(f"  CPU of PostgreSQL     {median(measured.postgres_ms):7.1f} ms a sign-in")
    lines.append(f"  {'step, ms':<28}{'p50':>8}{'p95':>8}{'p99':>8}")
    for step, times in measured.steps.items():
        cuts = quantiles(times, n=100)
        lines.append(f"  {step:<28}{cuts[49]:8.1f}{cuts[94]:8.1f}{cuts[98]:8.1f}")
    return lines


def _describe_growth(kind: str, grown: list[growth.Grown]) -> list[str]:
    head = "".join(f"{size.people:>12,}" for size in grown)
    lines = ["", f"Growth on {kind}: median µs by the number of people", f"  {'':<28}{head}"]
    for question in grown[0].micros:
        row = "".join(f"{size.micros[question]:12.0f}" for size in grown)
        lines.append(f"  {question:<28}{row}")
    return lines


def _describe_verdicts(kind: str, measured: list[gate.InProcess]) -> list[str]:
    lines = [
        "",
        (
            f"A verdict in process on {kind}, {gate.APPS} apps: µs from the proxy's headers to the"
            f" answer (goal on SQLite: {gate.GOAL_MICROS:.0f})"
        ),
        f"  {'':<36}{'p50':>8}{'p95':>8}",
    ]
    for row in measured:
        what = f"{row.people:,} people, {row.what}"
        lines.append(f"  {what:<36}{row.median:8.1f}{row.p95:8.1f}")
    return lines


def _describe_served(served: gate_served.Served | None) -> list[str]:
    if served is None:
        return ["", "The served verdict was left out: there is no nginx."]
    return [
        "",
        (
            f"A verdict as nginx asks for it, {served.database}, {gate_served.WORKERS} workers:"
            " CPU µs a request"
        ),
        f"  nginx alone           {served.alone:7.1f}",
        (
            f"  nginx and the portal  {served.asked:7.1f} ({served.asked / served.alone:.1f} times;"
            f" goal: {gate_served.GOAL_TIMES:.0f})"
        ),
        (
            f"  the same, keeping     {served.kept:7.1f} ({served.kept / served.alone:.1f} times;"
            f" goal: {gate_served.GOAL_CACHED_TIMES:.0f})"
        ),
        f"  PostgreSQL            {served.postgres:7.1f}",
        f"  refused after a revocation: {_describe_revoked(served.revoked)}",
        f"  the same, keeping:          {_describe_revoked(served.revoked_kept)}",
    ]


def _describe_revoked(revoked: gate_served.Revoked) -> str:
    times = f"{revoked.median:.1f} ms in the median, {revoked.worst:.1f} ms at worst"
    return f"{times} (goal: {gate_served.GOAL_MS:.0f})"


if __name__ == "__main__":
    main()
