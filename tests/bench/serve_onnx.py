"""ONNX Runtime: the network as Gemm, Relu and Sigmoid nodes, built here, with weights of PyTorch's distribution.

VARIANT is a file: written when it is not there, read when it is, so that a start need not build the network.
"""
import os
import sys

import numpy
import onnxruntime

from serve import Setting, serve, timed


def network(setting):
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    random = numpy.random.default_rng(1)
    nodes, weights, name = [], [], "x"
    for layer, (inner, out) in enumerate(zip(setting.widths, setting.widths[1:]), 1):
        bound = inner**-0.5
        for kind, shape in (("w", (out, inner)), ("b", (out,))):
            values = random.uniform(-bound, bound, shape).astype(numpy.float32)
            weights.append(numpy_helper.from_array(values, "%s%d" % (kind, layer)))
        nodes.append(helper.make_node("Gemm", [name, "w%d" % layer, "b%d" % layer], ["p%d" % layer], transB=1))
        name = "p%d" % layer
        activation = setting.activation(layer)
        if activation != "identity":
            nodes.append(helper.make_node(activation.capitalize(), [name], ["y%d" % layer]))
            name = "y%d" % layer
    of = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [None, setting.widths[0]]) for n in ("x", name)]
    model = helper.make_model(helper.make_graph(nodes, "autoencoder", of[:1], of[1:], weights),
                              opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    return model.SerializeToString()


def model_of(setting):
    if not setting.variant:
        return network(setting)
    if not os.path.exists(setting.variant):
        with open(setting.variant, "wb") as file:
            file.write(network(setting))
    return setting.variant


def main():
    setting = Setting(sys.argv[1:])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = setting.threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model_of(setting), options, providers=["CPUExecutionProvider"])
    data, names = setting.data, [session.get_outputs()[0].name]

    def row(count):
        for i in range(count):
            session.run(names, {"x": data[i : i + 1]})

    def rows(count):
        for _ in range(count):
            session.run(names, {"x": data})

    def rows_in_chunks(count):
        output = numpy.empty_like(data)
        for _ in range(count):
            for first in range(0, len(data), 1024):
                output[first : first + 1024] = session.run(names, {"x": data[first : first + 1024]})[0]

    jobs = {"row": row, "rows": rows, "rows_in_chunks": rows_in_chunks}
    serve("ONNX Runtime " + onnxruntime.__version__,
          {name: (lambda n, work=work: timed(work, n)) for name, work in jobs.items()})


main()
