"""Times what Python users have today, on two threads, a JSON line each.

    python bench/peers/run.py [--models NAME...] [--batches 1 8] [--repeats 7] [--peers forward grad_cam rollout rise]

Needs torch, timm, grad-cam and scipy.
"""

import argparse

import common
import forward
import grad_cam
import rise
import rollout

PEERS = {"forward": forward, "grad_cam": grad_cam, "rollout": rollout, "rise": rise}

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--models", nargs="+", default=common.MODELS)
parser.add_argument("--batches", nargs="+", type=int, default=[1, 8])
parser.add_argument("--repeats", type=int, default=7)
parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS))
options = parser.parse_args()
for name in options.models:
    for batch in options.batches:
        for peer in options.peers:
            # RISE's evaluation is itself dozens of forwards.
            PEERS[peer].measure(name, batch, 1 if peer == "rise" else options.repeats)
