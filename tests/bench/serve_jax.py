"""JAX: steps as one jitted lax.scan, Adam written out, parameters and moments donated."""
import os
import sys

threads = int(sys.argv[3])
if threads == 1:
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ["JAX_PLATFORMS"] = "cpu"

import jax
import jax.numpy as jnp

from serve import Setting, serve, timed


def forward(setting, parameters, x):
    for layer, (weight, bias) in enumerate(parameters, 1):
        x = x @ weight + bias
        activation = setting.activation(layer)
        if activation != "identity":
            x = jax.nn.relu(x) if activation == "relu" else jax.nn.sigmoid(x)
    return x


def begin(setting):
    parameters, key = [], jax.random.PRNGKey(1)
    for inner, out in zip(setting.widths, setting.widths[1:]):
        key, one, two = jax.random.split(key, 3)
        bound = inner**-0.5
        weight = jax.random.uniform(one, (inner, out), jnp.float32, -bound, bound)
        parameters.append((weight, jax.random.uniform(two, (out,), jnp.float32, -bound, bound)))
    zeros = jax.tree.map(jnp.zeros_like, parameters)
    return parameters, zeros, jax.tree.map(jnp.zeros_like, parameters), jnp.zeros((), jnp.float32)


def stepper(setting):
    def loss_of(parameters, x):
        return jnp.mean((forward(setting, parameters, x) - x) ** 2)

    def step(state, x):
        parameters, first, second, time = state
        loss, gradient = jax.value_and_grad(loss_of)(parameters, x)
        time = time + 1
        first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, gradient)
        second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, second, gradient)
        one, two = 1 - 0.9**time, 1 - 0.999**time
        parameters = jax.tree.map(lambda w, m, v: w - 1e-3 * (m / one) / (jnp.sqrt(v / two) + 1e-8), parameters, first,
                                  second)
        return (parameters, first, second, time), loss

    return jax.jit(lambda state, xs: jax.lax.scan(step, state, xs), donate_argnums=0)


def main():
    setting = Setting(sys.argv[1:])
    run = stepper(setting)
    state = {"now": begin(setting), "next": 0, "loss": jnp.zeros(1)}
    parts = {}
    rows = setting.data[: setting.batches * setting.batch].reshape(setting.batches, setting.batch, -1)

    def steps(count):
        """The batches of one call lie ready, cut before the clock starts."""
        if count not in parts:
            parts.clear()
            parts[count] = [jnp.asarray(rows[i : i + count]) for i in range(0, setting.batches - count + 1, count)]
            state["now"], state["loss"] = run(state["now"], parts[count][0])
        xs = parts[count][state["next"] % len(parts[count])]

        def work(_):
            state["now"], state["loss"] = run(state["now"], xs)
            jax.block_until_ready(state)

        state["next"] += 1
        return timed(work, 1)

    serve("JAX " + jax.__version__, {"step": steps}, lambda: float(state["loss"][-1]))


main()
