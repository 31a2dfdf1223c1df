"""Runs the cases against one server: python triton.py URL [options]. The server serves what
conformance/models.ts describes. One line of JSON for each outcome; conformance/main.ts judges them."""

import argparse
import asyncio
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import describing  # noqa: E402, F401 - registers its cases
import inferring  # noqa: E402, F401
import wire  # noqa: E402, F401
from harness import run_cases  # noqa: E402

parser = argparse.ArgumentParser()
parser.add_argument("url")
parser.add_argument("--token", default="", help="opens what Triton restricts")
parser.add_argument("--admin", default="", help="of Slipway's administration listener")
parser.add_argument("--admin-token", default="")
parser.add_argument("--reference", action="store_true")
parser.add_argument("--short", action="store_true")
asyncio.run(run_cases(parser.parse_args()))
