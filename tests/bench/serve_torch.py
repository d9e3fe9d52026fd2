"""PyTorch: eager, Adam fused, batches cut from a tensor in memory.

VARIANT "compile": forward and loss by torch.compile.
"""
import sys

import torch

from serve import Setting, serve, timed


def network(setting):
    layers = []
    for layer, (inner, out) in enumerate(zip(setting.widths, setting.widths[1:]), 1):
        layers.append(torch.nn.Linear(inner, out))
        activation = setting.activation(layer)
        if activation != "identity":
            layers.append(torch.nn.ReLU() if activation == "relu" else torch.nn.Sigmoid())
    return torch.nn.Sequential(*layers)


def main():
    setting = Setting(sys.argv[1:])
    torch.set_num_threads(setting.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(1)
    data = torch.from_numpy(setting.data)
    model = network(setting)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    state = {"next": 0, "loss": torch.zeros(())}

    def loss_of(x):
        return torch.nn.functional.mse_loss(model(x), x)

    if setting.variant == "compile":
        loss_of = torch.compile(loss_of)

    def steps(count):
        batch, at = setting.batch, state["next"]
        for _ in range(count):
            x = data[at * batch : (at + 1) * batch]
            optimizer.zero_grad(set_to_none=True)
            loss = loss_of(x)
            loss.backward()
            optimizer.step()
            at = (at + 1) % setting.batches
        state["next"], state["loss"] = at, loss.detach()

    def row(count):
        with torch.inference_mode():
            for i in range(count):
                model(data[i : i + 1])

    def rows(count):
        with torch.inference_mode():
            for _ in range(count):
                model(data)

    def rows_in_chunks(count):
        output = torch.empty_like(data)
        with torch.inference_mode():
            for _ in range(count):
                for first in range(0, len(data), 1024):
                    output[first : first + 1024] = model(data[first : first + 1024])

    jobs = {"step": steps, "row": row, "rows": rows, "rows_in_chunks": rows_in_chunks}
    if setting.variant == "compile":
        jobs = {"step": steps}
    serve("PyTorch " + torch.__version__, {name: (lambda n, work=work: timed(work, n)) for name, work in jobs.items()},
          lambda: float(state["loss"]))


main()
