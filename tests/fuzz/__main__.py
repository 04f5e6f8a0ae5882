"""Fuzz queries, index files, what files say of photos, exports, pictures, ZIPs, requests and uploads in turn."""

import argparse
import faulthandler
import sys
import time
from collections.abc import Callable

from hypothesis import HealthCheck, given, seed, settings
from hypothesis.strategies import SearchStrategy

from tests.fuzz.exports import EXAMPLES, Listed
from tests.fuzz.files import DAMAGES, Reading
from tests.fuzz.pictures import PICTURES, Decoding
from tests.fuzz.queries import QUERIES, Answering
from tests.fuzz.readers import READINGS, ReadingWords
from tests.fuzz.requests import REQUESTS, UPLOADS, Passing, Uploading
from tests.fuzz.zips import ZIPS, Unpacking

EXAMPLES_A_ROUND = 200


def fuzz(check: Callable[[object], None], examples: SearchStrategy, seconds: float, first_seed: int) -> int:
    """Try examples until the time is up; return how many. Hypothesis raises the smallest that fails."""
    n_tried, until, round_seed = 0, time.monotonic() + seconds, first_seed
    rounds = settings(
        max_examples=EXAMPLES_A_ROUND,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    while time.monotonic() < until:
        sys.stderr.write(f"\rseed {round_seed} ")  # the last one shown, should the interpreter crash

        @seed(round_seed)
        @rounds
        @given(examples)
        def attempt(example: object) -> None:
            nonlocal n_tried
            n_tried += 1
            check(example)

        attempt()
        round_seed += 1
    return n_tried


def main() -> None:
    """Fuzz, and print the number of examples; a failure ends it with its example and exit status 1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=0, help="of the first round, to repeat one; each takes the next")
    parser.add_argument("--only", default="", help="only the parts with this in their names, such as exports")
    options = parser.parse_args()
    faulthandler.enable()
    reading, listed = Reading(), Listed()
    words = ReadingWords()
    decoding = Decoding()
    passing = Passing()
    parts = (
        ("queries", Answering(), QUERIES),
        ("damaged index files", reading, DAMAGES),
        ("names, metadata and neighbours", words, READINGS),
        ("damaged exports", listed, EXAMPLES),
        ("damaged pictures", decoding, PICTURES),
        ("damaged ZIPs", Unpacking(), ZIPS),
        ("requests", passing, REQUESTS),
        ("uploads", Uploading(), UPLOADS),
    )
    chosen = [part for part in parts if options.only in part[0]]
    for name, check, examples in chosen:
        n_tried = fuzz(check, examples, options.minutes * 60 / len(chosen), options.seed)
        sys.stdout.write(f"\r{name}: {n_tried:,} examples, none failed\n")
    sys.stdout.write(f"{reading.n_refused:,} of the damaged indexes were refused, the others answered as before\n")
    sys.stdout.write(f"{listed.n_refused:,} of the damaged exports were refused, the others lost nothing\n")
    sys.stdout.write(f"{decoding.n_refused:,} of the damaged pictures were refused, the others decoded\n")
    sys.stdout.write(f"{passing.n_reached:,} of the requests had the right to be answered\n")


if __name__ == "__main__":
    main()
