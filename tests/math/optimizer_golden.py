#!/usr/bin/env python3
"""Prints the golden numbers of kernels_optimizer_test.c: torch.optim after 100 steps on sum c (w - m)^2 / 2."""
import torch

START = [1.0, -2.0, 0.5, 3.0, -0.25]
CURVATURE = [1.0, 0.5, 2.0, 0.1, 4.0]
MINIMUM = [0.25, 1.0, -1.0, 2.0, 0.5]

CASES = [
    ("sgd", torch.optim.SGD, dict(lr=0.05, weight_decay=0.01)),
    ("momentum", torch.optim.SGD, dict(lr=0.02, momentum=0.9)),
    ("dampened", torch.optim.SGD, dict(lr=0.02, momentum=0.9, dampening=0.3, weight_decay=0.05)),
    ("nesterov", torch.optim.SGD, dict(lr=0.02, momentum=0.8, nesterov=True, weight_decay=0.01)),
    ("rmsprop", torch.optim.RMSprop, dict(lr=0.01, alpha=0.95, eps=1e-8, weight_decay=0.01)),
    ("rmsprop momentum", torch.optim.RMSprop, dict(lr=0.003, alpha=0.99, eps=1e-6, momentum=0.7)),
    ("rmsprop centered", torch.optim.RMSprop, dict(lr=0.005, alpha=0.98, eps=1e-2, centered=True)),
    ("rmsprop both", torch.optim.RMSprop, dict(lr=0.002, alpha=0.99, eps=1e-3, centered=True, momentum=0.5)),
    ("adam", torch.optim.Adam, dict(lr=0.01, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.02)),
    ("adamw", torch.optim.AdamW, dict(lr=0.01, betas=(0.8, 0.99), eps=1e-6, weight_decay=0.1)),
]

curvature, minimum = torch.tensor(CURVATURE), torch.tensor(MINIMUM)
for name, make, settings in CASES:
    w = torch.nn.Parameter(torch.tensor(START))
    optimizer = make([w], **settings)
    for _ in range(100):
        w.grad = curvature * (w.detach() - minimum)
        optimizer.step()
    print('"%s": {%s}' % (name, ", ".join("%.9g" % x for x in w.tolist())))
