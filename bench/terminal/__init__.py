"""The terminal beside its peers, in one run: `python -m bench.terminal` (bench/terminal.sh raises a lab for it).

One client speaks to the real site (login and permission checks on) and to each peer found on this machine, all of them
before the same machines, in interleaved rounds. `gates.py` turns the figures into the table of gates.
"""
