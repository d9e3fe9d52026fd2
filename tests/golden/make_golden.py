"""Makes golden.h: what PyTorch computes for every layer, loss, optimizer and schedule; golden_test.c compares.

    python3 make_golden.py > golden.h          (PyTorch 2, double precision throughout)

Inputs and parameters are multiples of 1/64, so that every number type holds them exactly.
"""
import math

import torch
from torch import nn
from torch.nn import functional

torch.set_default_dtype(torch.float64)
generator = torch.Generator().manual_seed(20240607)


def draw(*shape, low=-2.0, high=2.0):
    uniform = torch.rand(*shape, generator=generator)
    return torch.round((low + (high - low) * uniform) * 64) / 64


def array(name, tensor):
    numbers = [f'{x:.9g}' for x in tensor.detach().reshape(-1).tolist()]
    lines, line = [], '   '
    for number in numbers:
        if len(line) + len(number) + 2 > 118:
            lines.append(line)
            line = '   '
        line += f' {number},'
    lines.append(line)
    print(f'static const double {name}[] = {{')
    print('\n'.join(lines))
    print('};')


def sizes(shape):
    return f'{len(shape)}, {{{", ".join(str(n) for n in shape)}}}'


# ---- Layers, from the specs that the library takes ----

ACTIVATIONS = {
    'identity': lambda x: x, 'relu': functional.relu, 'gelu': functional.gelu, 'silu': functional.silu,
    'sigmoid': torch.sigmoid, 'tanh': torch.tanh, 'softplus': functional.softplus,
    'leaky_relu': functional.leaky_relu, 'leaky_relu:slope=0.25': lambda x: functional.leaky_relu(x, 0.25),
    'elu': functional.elu, 'elu:alpha=0.5': lambda x: functional.elu(x, 0.5),
}


class Dense(nn.Linear):
    def __init__(self, units, width, bias=True, activation='identity'):
        super().__init__(width, units, bias=bias)
        self.activation = ACTIVATIONS[activation]

    def forward(self, x):
        return self.activation(super().forward(x))


class Activation(nn.Module):
    def __init__(self, name):
        super().__init__()
        self.function = ACTIVATIONS[name]

    def forward(self, x):
        return self.function(x)


class Residual(nn.Sequential):
    def forward(self, x):
        return x + super().forward(x)


class Reshape(nn.Module):
    def __init__(self, dims):
        super().__init__()
        self.dims = dims

    def forward(self, x):
        return x.reshape(x.shape[0], *self.dims)


def dense(units, width, bias=True, activation='identity'):
    spec = {'type': 'dense', 'units': units}
    if not bias:
        spec['bias'] = False
    if activation != 'identity':
        spec['activation'] = activation
    return spec, Dense(units, width, bias, activation)


def plain(name, module, **settings):
    return {'type': name, **settings}, module


def container(name, children):
    module = nn.Sequential if name == 'sequential' else Residual
    return {'type': name, 'layers': [spec for spec, _ in children]}, module(*[child for _, child in children])


def layer_cases():
    for name in ACTIVATIONS:
        yield f'dense {name}', dense(3, 4, activation=name), (6, 4), True
    yield 'dense without bias', dense(5, 3, bias=False), (4, 3), True
    yield 'dense on more axes', dense(3, 4, activation='tanh'), (3, 2, 4), True
    for name in ('relu', 'gelu', 'silu', 'sigmoid', 'tanh', 'softplus', 'leaky_relu', 'elu', 'identity'):
        yield name, plain(name, Activation(name)), (4, 5), True
    yield 'layer_norm', plain('layer_norm', nn.LayerNorm(5)), (4, 5), True
    yield 'layer_norm plain', plain('layer_norm', nn.LayerNorm(4, eps=0.25, elementwise_affine=False), affine=False,
                                    epsilon=0.25), (3, 2, 4), True
    yield 'batch_norm', plain('batch_norm', nn.BatchNorm1d(3)), (150, 3), True
    yield 'batch_norm of channels', plain('batch_norm', nn.BatchNorm1d(3, momentum=0.25), momentum=0.25), \
        (70, 3, 2), True
    yield 'batch_norm plain', plain('batch_norm', nn.BatchNorm1d(4, affine=False, eps=0.25), affine=False,
                                    epsilon=0.25), (5, 4), True
    yield 'batch_norm evaluated', plain('batch_norm', nn.BatchNorm1d(3)), (4, 3), False
    yield 'dropout evaluated', plain('dropout', nn.Dropout(0.5), rate=0.5), (3, 4), False
    yield 'reshape', container('sequential', [plain('reshape', Reshape((2, 3)), dims=[2, 3]), dense(2, 3)]), \
        (3, 6), True
    yield 'flatten', container('sequential', [plain('flatten', nn.Flatten()), dense(2, 6)]), (3, 2, 3), True
    yield 'residual', container('residual', [dense(5, 4, activation='relu'), dense(4, 5)]), (6, 4), True
    yield 'network', container('sequential', [
        dense(6, 5), plain('batch_norm', nn.BatchNorm1d(6)), plain('relu', Activation('relu')),
        container('residual', [plain('layer_norm', nn.LayerNorm(6)), dense(6, 6, activation='gelu')]),
        dense(5, 6, activation='sigmoid')]), (66, 5), True


def json_text(value):
    import json
    return json.dumps(json.dumps(value, separators=(',', ':')))


def make_layers():
    rows = []
    for index, (name, (spec, module), shape, training) in enumerate(layer_cases()):
        prefix = f'layer_{index}'
        module.train(training)
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.copy_(draw(*parameter.shape, low=-1, high=1))
            for key, state in module.named_buffers():
                if state.is_floating_point():
                    state.copy_(draw(*state.shape, low=0.5, high=1.5))
        before = {key: state.clone() for key, state in module.named_buffers() if state.is_floating_point()}
        x = draw(*shape).requires_grad_()
        y = module(x)
        g = draw(*y.shape, low=-1, high=1)
        (y * g).sum().backward()
        for what, tensor in (('x', x), ('g', g), ('y', y), ('dx', x.grad)):
            array(f'{prefix}_{what}', tensor)
        blocks = []
        for k, (key, parameter) in enumerate(module.named_parameters()):
            array(f'{prefix}_w{k}', parameter)
            array(f'{prefix}_dw{k}', parameter.grad)
            blocks.append(f'{{"{key}", {parameter.numel()}, {prefix}_w{k}, {prefix}_dw{k}, false}}')
        for k, (key, state) in enumerate(before.items()):
            array(f'{prefix}_s{k}', state)
            array(f'{prefix}_t{k}', dict(module.named_buffers())[key])
            blocks.append(f'{{"{key}", {state.numel()}, {prefix}_s{k}, {prefix}_t{k}, true}}')
        print(f'static const struct golden_block {prefix}_blocks[] = {{')
        for block in blocks:
            print(f'    {block},')
        print('    {NULL, 0, NULL, NULL, false},')
        print('};')
        rows.append(f'    {{"{name}", {json_text(spec)}, {str(training).lower()}, {sizes(x.shape)}, {sizes(y.shape)},\n'
                    f'     {prefix}_x, {prefix}_g, {prefix}_y, {prefix}_dx, {prefix}_blocks}},')
    print('static const struct golden_layer golden_layers[] = {')
    print('\n'.join(rows))
    print('};')


# ---- Losses ----

def nll(output, target):
    mean, log_variance = output.chunk(2, dim=-1)
    return functional.gaussian_nll_loss(mean, target, torch.exp(log_variance), full=True, eps=0, reduction='none')


def mean_of(loss):
    return lambda y, t: loss(y, t).flatten(1).mean(1)


def cosine(y, t):
    return 1 - functional.cosine_similarity(y.flatten(1), t.flatten(1))


def entropy(**settings):
    """Logits (rows, ..., classes) and classes (rows, ..., 1)."""
    def loss(y, t):
        each = functional.cross_entropy(y.flatten(0, -2), t.flatten().long(), reduction='none', **settings)
        return each.reshape(y.shape[0], -1).mean(1)
    return loss


def steps(*shape):
    """Multiples of 1/8 between -3 and 3 that draw nothing, so that what is drawn behind them stays."""
    return ((torch.arange(math.prod(shape), dtype=torch.float64) * 11) % 49 / 8 - 3).reshape(shape)


def loss_cases():
    def none(loss, **settings):
        return mean_of(lambda y, t: loss(y, t, reduction='none', **settings))
    probability = draw(4, 6, low=0.05, high=0.95)
    bits = torch.round(draw(4, 6, low=0, high=1))
    yield 'mse', 'mse', draw(4, 6), draw(4, 6), none(functional.mse_loss), ''
    yield 'mse on more axes', 'mse', draw(3, 2, 3), draw(3, 2, 3), none(functional.mse_loss), ''
    yield 'mae', 'mae', draw(4, 6), draw(4, 6), none(functional.l1_loss), ''
    yield 'huber', 'huber', draw(4, 6), draw(4, 6), none(functional.huber_loss), ''
    yield 'huber with delta', 'huber:delta=0.5', draw(4, 6), draw(4, 6), none(functional.huber_loss, delta=0.5), ''
    yield 'bce', 'bce', probability, bits, none(functional.binary_cross_entropy), ''
    # PyTorch answers gradients of 1e12 at probabilities of exactly 0 and 1; only the clamped values are compared.
    yield 'bce at the ends', 'bce', torch.round(draw(4, 6, low=0, high=1)), bits, \
        none(functional.binary_cross_entropy), 'value only'
    yield 'bce of a sigmoid', 'bce', draw(4, 6, low=-40, high=40), draw(4, 6, low=0, high=1), \
        none(functional.binary_cross_entropy_with_logits), 'sigmoid'
    yield 'gaussian_nll', 'gaussian_nll', draw(4, 6), draw(4, 3), mean_of(nll), ''
    yield 'gaussian_nll on more axes', 'gaussian_nll', draw(3, 2, 4), draw(3, 2, 2), mean_of(nll), ''
    yield 'cosine', 'cosine', draw(4, 6), draw(4, 6), cosine, ''
    classes = torch.tensor([[3.0], [0.0], [1.0], [3.0]])
    yield 'cross_entropy', 'cross_entropy:classes=4', steps(4, 4), classes, entropy(), ''
    yield 'cross_entropy, smoothed', 'cross_entropy:classes=4,smoothing=0.125', steps(4, 4), classes, \
        entropy(label_smoothing=0.125), ''
    yield 'cross_entropy on more axes', 'cross_entropy:classes=3', steps(2, 2, 3), \
        torch.tensor([[[2.0], [0.0]], [[1.0], [1.0]]]), entropy(), ''


def make_losses():
    rows = []
    for index, (name, spec, output, target, loss, how) in enumerate(loss_cases()):
        prefix = f'loss_{index}'
        output = output.clone().requires_grad_()
        value = loss(output, target)
        value.sum().backward()
        for what, tensor in (('y', output), ('t', target), ('value', value), ('dy', output.grad)):
            array(f'{prefix}_{what}', tensor)
        rows.append(f'    {{"{name}", "{spec}", {str(how == "sigmoid").lower()}, {sizes(output.shape)}, '
                    f'{sizes(target.shape)},\n     {prefix}_y, {prefix}_t, {prefix}_value, '
                    f'{"NULL" if how == "value only" else prefix + "_dy"}}},')
    print('static const struct golden_loss golden_losses[] = {')
    print('\n'.join(rows))
    print('};')


# ---- Optimizers: 100 steps on gradients a (w - c) + noise[step mod 10] ----

def optimizer_cases():
    sgd, adam, rmsprop = torch.optim.SGD, torch.optim.Adam, torch.optim.RMSprop
    yield 'sgd:lr=0.01', lambda p: sgd(p, lr=0.01), 0, 0
    yield 'sgd:lr=0.01,weight_decay=0.1', lambda p: sgd(p, lr=0.01, weight_decay=0.1), 0, 0
    yield 'momentum:lr=0.01', lambda p: sgd(p, lr=0.01, momentum=0.9), 0, 0
    yield 'momentum:lr=0.01,momentum=0.5,dampening=0.25,weight_decay=0.1', \
        lambda p: sgd(p, lr=0.01, momentum=0.5, dampening=0.25, weight_decay=0.1), 0, 0
    yield 'nesterov:lr=0.01,weight_decay=0.01', \
        lambda p: sgd(p, lr=0.01, momentum=0.9, nesterov=True, weight_decay=0.01), 0, 0
    yield 'rmsprop', lambda p: rmsprop(p), 0, 0
    yield 'rmsprop:lr=0.01,alpha=0.9,momentum=0.5,weight_decay=0.01', \
        lambda p: rmsprop(p, lr=0.01, alpha=0.9, momentum=0.5, weight_decay=0.01), 0, 0
    yield 'rmsprop:lr=0.01,centered=true,eps=1e-4', lambda p: rmsprop(p, lr=0.01, centered=True, eps=1e-4), 0, 0
    yield 'rmsprop:lr=0.01,centered=true,momentum=0.9,eps=1e-4', \
        lambda p: rmsprop(p, lr=0.01, centered=True, momentum=0.9, eps=1e-4), 0, 0
    yield 'adam', lambda p: adam(p), 0, 0
    yield 'adam:lr=0.02,beta1=0.8,beta2=0.95,eps=1e-6,weight_decay=0.1', \
        lambda p: adam(p, lr=0.02, betas=(0.8, 0.95), eps=1e-6, weight_decay=0.1), 0, 0
    yield 'adamw', lambda p: torch.optim.AdamW(p), 0, 0
    yield 'adamw:lr=0.02,weight_decay=0.5', lambda p: torch.optim.AdamW(p, lr=0.02, weight_decay=0.5), 0, 0
    yield 'sgd:lr=0.05', lambda p: sgd(p, lr=0.05), 0.5, 0
    yield 'sgd:lr=0.05', lambda p: sgd(p, lr=0.05), 0, 0.25
    yield 'momentum:lr=0.05', lambda p: sgd(p, lr=0.05, momentum=0.9), 1.5, 0.25


def make_optimizers():
    start, slope, center = draw(12, low=-1, high=1), draw(12, low=0.5, high=2), draw(12, low=-1, high=1)
    noise = draw(10, 12, low=-1, high=1)
    for name, tensor in (('start', start), ('slope', slope), ('center', center), ('noise', noise)):
        array(f'optimizer_{name}', tensor)
    rows = []
    for index, (spec, create, norm, limit) in enumerate(optimizer_cases()):
        parts = [start[:8].clone().requires_grad_(), start[8:].clone().requires_grad_()]
        optimizer = create(parts)
        kept = []
        for step in range(100):
            w = torch.cat(parts).detach()
            g = slope * (w - center) + noise[step % 10]
            parts[0].grad, parts[1].grad = g[:8].clone(), g[8:].clone()
            if norm > 0:
                nn.utils.clip_grad_norm_(parts, norm)
            if limit > 0:
                nn.utils.clip_grad_value_(parts, limit)
            optimizer.step()
            if step + 1 in (1, 10, 100):
                kept.append(torch.cat(parts).detach())
        array(f'optimizer_{index}_w', torch.cat(kept))
        rows.append(f'    {{"{spec}", {norm}, {limit}, optimizer_{index}_w}},')
    print('static const struct golden_optimizer golden_optimizers[] = {')
    print('\n'.join(rows))
    print('};')


# ---- Schedules: 40 steps, 4 to an epoch, base rate 0.1 ----

def schedule_cases():
    from torch.optim import lr_scheduler as schedules
    yield 'constant', 'step', lambda o: schedules.ConstantLR(o, factor=1)
    yield 'step:every=2,factor=0.5', 'epoch', lambda o: schedules.StepLR(o, 2, gamma=0.5)
    yield 'cosine', 'step', lambda o: schedules.CosineAnnealingLR(o, T_max=40)
    yield 'cosine:floor=0.25', 'step', lambda o: schedules.CosineAnnealingLR(o, T_max=40, eta_min=0.025)
    yield 'cosine:warmup=0.25', 'step', lambda o: schedules.SequentialLR(
        o, [schedules.LinearLR(o, start_factor=0.1, total_iters=9), schedules.CosineAnnealingLR(o, T_max=30)], [10])
    yield 'warmup:steps=8', 'step', lambda o: schedules.LinearLR(o, start_factor=1 / 8, total_iters=7)
    yield 'plateau:factor=0.5,patience=1', 'plateau', lambda o: schedules.ReduceLROnPlateau(o, factor=0.5, patience=1)
    yield 'plateau:factor=0.1,patience=0,floor=0.05,threshold=0.01', 'plateau', \
        lambda o: schedules.ReduceLROnPlateau(o, factor=0.1, patience=0, min_lr=0.005, threshold=0.01)


def make_schedules():
    losses = torch.tensor([1.0, 0.9, 0.95, 0.91, 0.92, 0.8, 0.79999, 0.8, 0.805, 0.7])
    array('schedule_losses', losses)
    rows = []
    for index, (spec, when, create) in enumerate(schedule_cases()):
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
        schedule = create(optimizer)
        rates = []
        for step in range(40):
            rates.append(optimizer.param_groups[0]['lr'])
            optimizer.step()
            last = step % 4 == 3
            if when == 'step':
                schedule.step()
            elif when == 'epoch' and last:
                schedule.step()
            elif when == 'plateau' and last:
                schedule.step(losses[step // 4].item())
        array(f'schedule_{index}_rates', torch.tensor(rates))
        rows.append(f'    {{"{spec}", schedule_{index}_rates}},')
    print('static const struct golden_schedule golden_schedules[] = {')
    print('\n'.join(rows))
    print('};')


PREAMBLE = '''/* golden.h - made by make_golden.py with PyTorch {version}; not to be edited. */
#ifndef AENC_TESTS_GOLDEN_GOLDEN_H
#define AENC_TESTS_GOLDEN_GOLDEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A parameter with its gradient, or a state with its value after the step. */
struct golden_block {{
    const char *name; /* NULL ends the list */
    int64_t count;
    const double *value, *result;
    bool state;
}};

/* y = layer(x); dx and gradients of sum(g y). */
struct golden_layer {{
    const char *name, *spec; /* JSON */
    bool training;
    int x_rank;
    int64_t x_dims[3]; /* rows first */
    int y_rank;
    int64_t y_dims[3];
    const double *x, *g, *y, *dx;
    const struct golden_block *blocks;
}};

struct golden_loss {{
    const char *name, *spec;
    bool sigmoid; /* the output is the sigmoid of y, and dy is behind it */
    int y_rank;
    int64_t y_dims[3];
    int target_rank;
    int64_t target_dims[3];
    const double *y, *target, *value, *dy; /* value: of each row; dy: of their sum; NULL: not compared */
}};

/* 12 parameters after 1, 10 and 100 steps with gradients slope (w - center) + noise[step mod 10]. */
struct golden_optimizer {{
    const char *spec;
    double clip_norm, clip_value;
    const double *w; /* (3, 12) */
}};

/* Rates of 40 steps, 4 to an epoch, from 0.1. */
struct golden_schedule {{
    const char *spec;
    const double *rates;
}};
'''

print(PREAMBLE.format(version=torch.__version__.split('+')[0]))
make_layers()
make_losses()
make_optimizers()
make_schedules()
print('\n#endif')
