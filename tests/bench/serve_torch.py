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


class Variational(torch.nn.Module):
    """Bernoulli likelihood, a Gaussian code with `samples` draws of each row, whose losses are averaged."""

    def __init__(self, setting):
        super().__init__()
        *hidden, code = setting.widths[: setting.code + 1]
        blocks = [torch.nn.Sequential(torch.nn.Linear(a, b), torch.nn.ReLU()) for a, b in zip(hidden, hidden[1:])]
        self.encoder = torch.nn.Sequential(*blocks)
        self.mean, self.log_variance = torch.nn.Linear(hidden[-1], code), torch.nn.Linear(hidden[-1], code)
        back = [code] + hidden[::-1]
        blocks = [torch.nn.Sequential(torch.nn.Linear(a, b), torch.nn.ReLU()) for a, b in zip(back[:-2], back[1:])]
        self.decoder = torch.nn.Sequential(*blocks, torch.nn.Linear(back[-2], back[-1]))
        self.samples = setting.samples

    def loss(self, x):
        h, k = self.encoder(x), self.samples
        mean, log_variance = self.mean(h), self.log_variance(h)
        e = torch.randn(len(x), k, mean.shape[1])
        z = mean[:, None] + torch.exp(0.5 * log_variance)[:, None] * e
        y = self.decoder(z)
        nll = torch.nn.functional.binary_cross_entropy_with_logits(y, x[:, None].expand_as(y), reduction="sum") / k
        kl = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum()
        return (nll + kl) / len(x)


def main():
    setting = Setting(sys.argv[1:])
    torch.set_num_threads(setting.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(1)
    data = torch.from_numpy(setting.data)
    model = Variational(setting) if setting.samples else network(setting)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    state = {"next": 0, "loss": torch.zeros(())}

    def loss_of(x):
        if setting.samples:
            return model.loss(x)
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
    if setting.variant == "compile" or setting.samples:
        jobs = {"step": steps}
    serve("PyTorch " + torch.__version__, {name: (lambda n, work=work: timed(work, n)) for name, work in jobs.items()},
          lambda: float(state["loss"]))


main()
