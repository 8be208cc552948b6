#!/usr/bin/env python3
"""Training steps of an autoencoder 784-256-32-256-784 beside PyTorch, in one run.

Batch 64, f32, mean square, Adam, one thread each, both pinned to the same core and taking turns, so that
whatever else the machine does hits both. `taskset -c 0 python speed.py [ROUNDS]` with PyTorch installed;
it builds the other program first.
"""
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import torch

BATCH, STEPS = 64, 20


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    torch.set_num_threads(1)
    torch.manual_seed(1)
    model = torch.nn.Sequential(
        torch.nn.Linear(784, 256), torch.nn.ReLU(), torch.nn.Linear(256, 32),
        torch.nn.Linear(32, 256), torch.nn.ReLU(), torch.nn.Linear(256, 784), torch.nn.Sigmoid(),
    )
    x = torch.rand(16, BATCH, 784)
    optimizers = {
        "default": torch.optim.Adam(model.parameters(), lr=1e-3),
        "foreach": torch.optim.Adam(model.parameters(), lr=1e-3, foreach=True),
        "fused": torch.optim.Adam(model.parameters(), lr=1e-3, fused=True),
    }

    def theirs(optimizer: torch.optim.Optimizer) -> float:
        start = time.perf_counter()
        for k in range(STEPS):
            loss = torch.nn.functional.mse_loss(model(x[k % 16]), x[k % 16])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return time.perf_counter() - start

    here = Path(__file__).resolve().parent
    target = Path(os.environ.get("CARGO_TARGET_DIR", here / "../../target")).resolve() / "train"
    subprocess.run(["cargo", "build", "--release", "--quiet", "--target-dir", target], cwd=here, check=True)
    program = subprocess.Popen(
        [target / "release" / "train-speed"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )

    def ours() -> float:
        program.stdin.write(f"{STEPS}\n")
        program.stdin.flush()
        return float(program.stdout.readline().split()[0])

    times = {name: [] for name in ["eigenmote", *optimizers]}
    for turn in range(rounds + 2):
        for name in times:
            seconds = ours() if name == "eigenmote" else theirs(optimizers[name])
            if turn >= 2:  # the first ones warm up
                times[name].append(seconds)
    program.stdin.close()
    program.wait()
    print(f"PyTorch {torch.__version__}, {rounds} rounds of {STEPS} steps of {BATCH} samples")
    for name, seconds in times.items():
        label = name if name == "eigenmote" else f"PyTorch, Adam {name}"
        rates = sorted(BATCH * STEPS / s for s in seconds)
        print(f"{label:24} median {statistics.median(rates):9.0f} samples/s, best {rates[-1]:9.0f}")
    best = min((statistics.median(times[name]), name) for name in optimizers)
    print(f"eigenmote is {best[0] / statistics.median(times['eigenmote']):.2f} times PyTorch's fastest, {best[1]}")


if __name__ == "__main__":
    main()
