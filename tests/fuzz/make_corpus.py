#!/usr/bin/env python3
"""Writes the corpus of the fuzz targets: small valid inputs of every kind, and the edges of each format.

    make_corpus.py FOLDER

The files are committed below tests/fuzz/corpus/; this script says where they come from, and changes none that begins with
"found-": those are inputs that once broke something. The last byte of every file is the control byte (fuzz.h).
"""
import gzip
import io
import json
import pathlib
import struct
import sys
import zipfile

PLAIN = b"\x00"


# ---- safetensors ----

def safetensors(tensors, metadata=None, text=None):
    """tensors: {name: (dtype, shape, bytes)}; text replaces the header."""
    header, data = {}, b""
    if metadata is not None:
        header["__metadata__"] = metadata
    for name, (dtype, shape, values) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(values)]}
        data += values
    head = text.encode() if text is not None else json.dumps(header, separators=(",", ":")).encode()
    head += b" " * (-len(head) % 8)
    return struct.pack("<Q", len(head)) + head + data


def floats(count, start=0.25):
    return struct.pack("<%df" % count, *[start + i / 16 for i in range(count)])


def safetensors_inputs():
    sizes = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "U16": 2, "U32": 4,
             "U64": 8, "BOOL": 1}
    every = {"t." + name: (name, [2, 1], bytes(range(2 * size))) for name, size in sizes.items()}
    one = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
    yield "every_type", safetensors(every)
    yield "empty", safetensors({})
    yield "metadata", safetensors({"a": ("F32", [2], floats(2))}, {"k": "v", "\u00e9": "\\\"\n\u20ac"})
    yield "metadata_only", safetensors({}, {"format": "pt"})
    yield "scalar", safetensors({"x": ("F32", [], floats(1))})
    yield "rank_8", safetensors({"x": ("U8", [1] * 8, b"\x07")})
    yield "rank_9", safetensors({"x": ("U8", [1] * 9, b"\x07")})
    yield "zero_elements", safetensors({"a": ("F32", [0, 3], b""), "b": ("F32", [1], floats(1)), "c": ("I8", [0], b"")})
    yield "specials", safetensors({"h": ("F16", [5], struct.pack("<5H", 0x7C00, 0xFE00, 1, 0x8000, 0x83FF)),
                                   "d": ("F64", [2], struct.pack("<2d", 1e300, -0.0))})
    yield "overlap", safetensors({}, text=json.dumps({"a": one, "b": one})) + floats(1)
    yield "hole", safetensors({}, text=json.dumps({"a": dict(one, data_offsets=[4, 8])})) + floats(2)
    yield "behind", safetensors({"a": ("F32", [1], floats(1))}) + b"x"
    yield "overflow", safetensors({}, text=json.dumps({"a": dict(one, shape=[2 ** 40, 2 ** 40])}))
    yield "zero_overflow", safetensors({}, text=json.dumps({"a": dict(one, shape=[0, 2 ** 52, 2 ** 52], data_offsets=[0, 0])}))
    yield "twice", safetensors({}, text='{"a":%s,"a":%s}' % (json.dumps(one), json.dumps(one))) + floats(1)
    yield "backwards", safetensors({}, text=json.dumps({"a": dict(one, data_offsets=[4, 0])})) + floats(1)
    yield "fraction", safetensors({}, text=json.dumps({"a": dict(one, shape=[0.5])})) + floats(1)
    yield "negative", safetensors({}, text=json.dumps({"a": dict(one, shape=[-1])})) + floats(1)
    yield "type_unknown", safetensors({}, text=json.dumps({"a": dict(one, dtype="F8_E4M3")})) + floats(1)
    yield "type_number", safetensors({}, text=json.dumps({"a": dict(one, dtype=1)})) + floats(1)
    yield "shape_text", safetensors({}, text=json.dumps({"a": dict(one, shape="1")})) + floats(1)
    yield "offsets_three", safetensors({}, text=json.dumps({"a": dict(one, data_offsets=[0, 4, 4])})) + floats(1)
    yield "offsets_wrong", safetensors({}, text=json.dumps({"a": dict(one, shape=[2])})) + floats(1)
    yield "member_missing", safetensors({}, text='{"a":{"dtype":"F32","shape":[1]}}') + floats(1)
    yield "member_more", safetensors({}, text=json.dumps({"a": dict(one, more=1)})) + floats(1)
    yield "member_number", safetensors({}, text='{"a":1}')
    yield "metadata_array", safetensors({}, text='{"__metadata__":[]}')
    yield "metadata_number", safetensors({}, text='{"__metadata__":{"a":1}}')
    yield "no_brace", safetensors({}, text=' {"a":1}')
    yield "length_zero", struct.pack("<Q", 0) + b"{}"
    yield "length_huge", struct.pack("<Q", 2 ** 63) + b"{}"
    yield "length_limit", struct.pack("<Q", 100000001) + b"{}"
    yield "seven_bytes", b"\x02\0\0\0\0\0\0"


# ---- Descriptions and whole models ----

def dense(units, **more):
    return dict({"type": "dense", "units": units}, **more)


def sequence(*layers, kind="sequential"):
    return {"type": kind, "layers": list(layers)}


DESCRIPTIONS = {
    "small": {"input": [4], "encoder": sequence(dense(3, activation="tanh"), dense(2))},
    "complete": {"format": 1, "input": [3], "encoder": sequence(dense(2)), "decoder": sequence(dense(3)),
                 "loss": {"type": "mse"}},
    "pictures": {"input": [2, 3, 2], "encoder": sequence({"type": "flatten"}, dense(4), {"type": "relu"}),
                 "output": "sigmoid", "loss": "bce"},
    "norms": {"input": [4], "encoder": sequence(dense(5), {"type": "batch_norm"}, {"type": "relu"},
                                                {"type": "dropout", "rate": 0.25}, dense(3), {"type": "layer_norm"})},
    "residual": {"input": [4], "encoder": sequence(sequence(dense(4, activation="gelu"), kind="residual"), dense(2))},
    "two_outputs": {"input": [3], "encoder": sequence(dense(2)), "loss": "gaussian_nll"},
    "reshape": {"input": [6], "encoder": sequence({"type": "reshape", "dims": [2, 3]}, dense(2)), "loss": "huber:delta=0.5"},
    "single": {"input": [2], "encoder": dense(1, bias=False, init="orthogonal"), "loss": "cosine"},
    "nested": {"input": [2], "encoder": sequence(sequence(sequence(dense(1))))},
    "newer": {"format": 2, "input": [1], "encoder": dense(1)},
    "huge": {"input": [2 ** 31 - 1], "encoder": dense(2 ** 31 - 1)},
    "product": {"input": [65536, 65536], "encoder": dense(1)},
    "no_encoder": {"input": [1]},
    "aliases": {"input": [4], "encoder": sequence(dense(3), dense(2)),
                "aliases": {"encoder.": "net.", "encoder.1.bias": "b", "decoder.": ""}},
    "aliases_of_none": {"input": [1], "encoder": dense(1), "aliases": {"encoder.9.": "a."}},
    "aliases_twice": {"input": [1], "encoder": dense(1), "aliases": {"encoder.weight": "w", "encoder.bias": "w"}},
    "aliases_dot": {"input": [1], "encoder": dense(1), "aliases": {"encoder.": "w"}},
    "unknown": {"input": [1], "encoder": {"type": "convolution"}},
    "output_slope": {"input": [3], "encoder": sequence(dense(2), {"type": "silu"}), "output": "leaky_relu:slope=0.3"},
}


def description_inputs():
    for name, value in DESCRIPTIONS.items():
        yield name, json.dumps(value, separators=(",", ":")).encode()
    for name, text in {
            "blanks": ' { "a" : [ 1 , 2.5e-3 , -0 , true , false , null ] , "b" : { } , "c" : [ ] }\r\n\t',
            "escapes": r'"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00\u20ac"', "utf8": '"\u00e9\u20ac\U0001F600"',
            "numbers": "[0,-0.0,1e308,1e-308,5e-324,1.7976931348623157e308,0.1,9007199254740993,1E+2]",
            "number_large": "1e309", "number_point": "1.", "number_plus": "+1", "number_zero": "01", "number_e": "1e",
            "number_long": "0." + "3" * 1200, "minus": "-", "word": "nul", "surrogate": r'"\ud800"', "low": r'"\udc00"',
            "surrogate_pair": r'"\ud800\u0041"', "nul": r'"\u0000"', "hex": r'"\u00g0"', "escape": r'"\x"',
            "control": '"\x01"', "open": '"abc', "backslash": '"\\', "deep": "[" * 32 + "]" * 32,
            "deeper": "[" * 33 + "]" * 33, "twice": '{"a":1,"b":2,"a":3}', "behind": "1 2", "comma": "[1,]", "colon": '{"a"}',
            "key": "{1:2}", "open_array": "[1", "open_object": '{"a":1', "blank": " "}.items():
        yield "json_" + name, text.encode()
    yield "json_not_utf8", b'"\xC0\x80"'
    yield "json_cut_utf8", b'"\xE2\x82'


def model_inputs():
    def model(description, tensors, type="F32"):
        return safetensors({name: (type, shape, values) for name, (shape, values) in tensors.items()},
                           {"autoenc": json.dumps(description, separators=(",", ":"))})

    def parameters(sizes, item=4):
        out = {}
        for room, widths in (("encoder", sizes), ("decoder", sizes[::-1])):
            for i, (a, b) in enumerate(zip(widths, widths[1:])):
                out["%s.%d.weight" % (room, i)] = ([b, a], floats(a * b) if item == 4 else bytes(item * a * b))
                out["%s.%d.bias" % (room, i)] = ([b], floats(b) if item == 4 else bytes(item * b))
        return out

    small = parameters([4, 3, 2])
    yield "small", model(DESCRIPTIONS["small"], small)
    yield "half", model(DESCRIPTIONS["small"], parameters([4, 3, 2], 2), "F16")
    yield "bfloat", model(DESCRIPTIONS["small"], parameters([4, 3, 2], 2), "BF16")
    yield "double", model(DESCRIPTIONS["small"], parameters([4, 3, 2], 8), "F64")
    yield "whole_numbers", model(DESCRIPTIONS["small"], parameters([4, 3, 2]), "I32")
    yield "missing", model(DESCRIPTIONS["small"], {k: v for k, v in small.items() if k != "encoder.1.bias"})
    yield "too_many", model(DESCRIPTIONS["small"], dict(small, more=([1], floats(1))))
    yield "other_shape", model(DESCRIPTIONS["small"], dict(small, **{"encoder.0.bias": ([3, 1], floats(3))}))
    yield "other_rank", model(DESCRIPTIONS["small"], dict(small, **{"encoder.0.bias": ([4], floats(4))}))
    yield "not_finite", model(DESCRIPTIONS["small"], dict(small, **{"encoder.0.bias": ([3], b"\0\0\xC0\x7F" * 3)}))
    yield "no_description", safetensors({"a": ("F32", [1], floats(1))}, {"other": "x"})
    yield "no_metadata", safetensors({"a": ("F32", [1], floats(1))})
    yield "bad_description", safetensors({}, {"autoenc": "{"})
    yield "wrong_description", safetensors({}, {"autoenc": "[]"})
    yield "newer", model(DESCRIPTIONS["newer"], {})
    yield "asks_for_much", model(DESCRIPTIONS["huge"], {})
    norms = {"encoder.0.weight": ([5, 4], floats(20)), "encoder.0.bias": ([5], floats(5)),
             "encoder.1.scale": ([5], floats(5)), "encoder.1.shift": ([5], floats(5))}
    yield "norms", model(DESCRIPTIONS["norms"], norms)
    yield "single", model(DESCRIPTIONS["single"], {"encoder.weight": ([1, 2], floats(2)),
                                                   "decoder.0.weight": ([2, 1], floats(2))})
    yield "aliases", model(DESCRIPTIONS["aliases"], small)
    for kind, item in (("F32", 4), ("F16", 2), ("BF16", 2)):
        named = {k.replace("encoder.", "net.").replace("decoder.0.bias", "b"): v for k, v in parameters([4, 3, 2], item).items()}
        yield "foreign_" + kind.lower(), safetensors({k: (kind, *v) for k, v in dict(named, more=([1], bytes(item))).items()})


# ---- Tables ----

def npy(descr, shape, data, fortran=False, version=1, header=None):
    text = header or "{'descr': %s, 'fortran_order': %s, 'shape': %s, }" % (descr, fortran, shape)
    wide = "<H" if version == 1 else "<I"
    text = text.encode() if isinstance(text, str) else text
    text += b" " * (-(len(text) + 9 + struct.calcsize(wide)) % 64) + b"\n"
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack(wide, len(text)) + text + data


def npy_inputs():
    for descr, size in (("<f4", 4), (">f4", 4), ("<f2", 2), (">f2", 2), ("<f8", 8), (">f8", 8), ("|b1", 1), ("|u1", 1),
                        ("|i1", 1), ("<i2", 2), (">u2", 2), ("<i4", 4), (">u4", 4), ("<i8", 8), (">u8", 8)):
        name = descr.replace("<", "little_").replace(">", "big_").replace("|", "")
        yield name, npy("'%s'" % descr, "(2, 3)", bytes((37 * i + 5) % 256 for i in range(6 * size)))
    data = floats(12)
    yield "fortran", npy("'<f4'", "(2, 3, 2)", data, fortran=True)
    yield "version_2", npy("'<f4'", "(12,)", data, version=2)
    yield "version_3", npy("'<f4'", "(3, 4)", data, version=3)
    yield "version_4", npy("'<f4'", "(3, 4)", data, version=4)
    yield "rank_0", npy("'<f4'", "()", floats(1))
    yield "rank_8", npy("'<f4'", "(1, 1, 1, 1, 1, 1, 1, 1)", floats(1))
    yield "rank_9", npy("'<f4'", "(1, 1, 1, 1, 1, 1, 1, 1, 1)", floats(1))
    yield "zero_rows", npy("'<f4'", "(0, 3)", b"")
    yield "zero_columns", npy("'<f4'", "(9007199254740992, 0)", b"")
    yield "overflow", npy("'<f8'", "(4294967296, 4294967296)", b"")
    yield "one_short", npy("'<f4'", "(3, 4)", data[:-1])
    yield "one_more", npy("'<f4'", "(3, 4)", data + b"\0")
    yield "python_2", npy("'<f4'", "(3L, 4L)", data)
    yield "order", npy(None, None, data, header="{'shape': (3, 4), 'fortran_order': False, 'descr': '<f4'}")
    yield "twice", npy(None, None, data, header="{'shape': (3, 4), 'shape': (3, 4), 'descr': '<f4'}")
    yield "lacking", npy(None, None, data, header="{'shape': (3, 4), 'descr': '<f4'}")
    yield "records", npy("[('a', '<f4')]", "(12,)", data)
    yield "objects", npy("'|O'", "(1,)", b"x")
    yield "complex", npy("'<c8'", "(1,)", bytes(8))
    yield "native", npy("'=f4'", "(3, 4)", data)
    yield "quotes", npy(None, None, data, header='{"descr": "<f4", "fortran_order": False, "shape": (3, 4)}')
    yield "header_none", b"\x93NUMPY\x01\0\0\0"
    yield "header_cut", b"\x93NUMPY\x01\0\xFF\xFF{"
    yield "magic", b"\x93NUMPX\x01\0"


def csv_inputs():
    for name, text in {
            "plain": "1,2,3\n4,5,6\n", "header": "a,b,c\n1,2,3\n-4.5,5e-3,+6\n", "semicolon": "1;2\n3;4\n",
            "comma_decimal": "1,5;2\n", "tabs": "1\t2\n3\t4\n", "blanks": "  1  2\n3 4  \n", "crlf": "1,2\r\n3,4\r\n",
            "comments": "# a\n\n1,2\n\n# b\n3,4", "quotes": '"x","y"\n"1"," 2 "\n', "open_quote": '"1,2\n3,4\n',
            "empty_cell": "1,,3\n", "nan": "1,NaN\n", "infinite": "1,1e39\n", "words": "1,two\n3,4\n", "ragged": "1,2\n3\n",
            "long_row": "1,2\n3,4,5\n", "one": "7", "newline": "\n", "only_header": "a,b\n", "mark": "\ufeff1,2\n",
            "digits": "0.1234567890123456789012345678901234567890,1e-400\n", "zero": "1,2\n3,\0\n",
            "long_field": "x" * 40 + ",1\n" + "9" * 500 + ",1\n", "signs": "+-1,--2\n", "inf": "inf,-Infinity\n",
            "many": ",".join(str(i) for i in range(40)) + "\n", "trailing": "1,2,\n3,4,\n",
            "tabs_and_commas": "t, C\tp\n0,5\t1,5\n2,5\t3,5\n", "numbered": "0,1,2\n0.5,1.5,2.5\n3.5,4.5,5.5\n",
            "index": ",a,b\n0,1.5,2.5\n1,3.5,4.5\n", "carriage": "a,b\r1,2\r3,4\r", "broken_cell": 'a,"b\r\n""c"""\n1,2\n',
            "separators": "a,b\n1,2\n,\n,\n", "stated": "sep=;\na;b\n1;2\n", "row_names": '"a" "b"\n"x" 1 2\n"y" 3 4\n',
            "two_or_one": "1,5\n2,7\n", "times": "t\n" + "".join("%d\n" % (1700000000 + i) for i in range(9)),
            "bars": "1,234|5,678\n", "missing": "a,b\nNA,2\n3,\n"}.items():
        yield name, text.encode()
    for name, mark, codec in (("little", b"\xff\xfe", "utf-16-le"), ("big", b"\xfe\xff", "utf-16-be")):
        yield "wide_" + name, mark + "\U0001f642\tb\r\n1,5\t2,5\r\n".encode(codec)
    yield "wide_half", b"\xff\xfe1\0,\0\x3d\xd8\n\0" + b"2"


def idx(kind, dims, data, zeros=b"\0\0"):
    return zeros + bytes([kind, len(dims)]) + b"".join(struct.pack(">I", d) for d in dims) + data


def entry_of(array, method):
    entry = zipfile.ZipInfo(array + ".npy")
    entry.compress_type = method
    return entry


def idx_inputs():
    for kind, size in ((8, 1), (9, 1), (11, 2), (12, 4), (13, 4), (14, 8)):
        yield "type_%d" % kind, idx(kind, [2, 3], bytes((29 * i) % 120 for i in range(6 * size)))
    yield "pictures", idx(8, [2, 2, 2], bytes(8))
    yield "labels", idx(8, [5], bytes(range(5)))
    yield "type_10", idx(10, [1], b"\0")
    yield "rank_0", idx(8, [], b"")
    yield "rank_9", idx(8, [1] * 9, b"\0")
    yield "zero", idx(8, [2, 0], b"")
    yield "huge", idx(8, [2 ** 32 - 1] * 3, b"\0")
    yield "overflow", idx(14, [2 ** 32 - 1, 2 ** 32 - 1], b"\0")
    yield "short", idx(8, [2, 3], bytes(5))
    yield "long", idx(8, [2, 3], bytes(7))
    yield "cut", b"\0\0\x08\x02\0\0"
    yield "nan", idx(13, [1], b"\x7F\xC0\0\0")
    packed = gzip.compress(idx(8, [4, 4], bytes(16)), mtime=0)
    yield "gzip", packed
    yield "gzip_cut", packed[:-9]
    yield "gzip_damaged", packed[:12] + b"\xFF" + packed[13:]
    yield "gzip_twice", gzip.compress(idx(8, [4, 4], bytes(8)), mtime=0) + gzip.compress(bytes(8), mtime=0)
    yield "gzip_more", gzip.compress(idx(8, [4, 4], bytes(17)), mtime=0)
    yield "gzip_lies", gzip.compress(idx(8, [2 ** 20, 2 ** 11], bytes(9)), mtime=0)
    yield "gzip_npy", gzip.compress(npy("'<f4'", "(3, 4)", floats(12)), mtime=0)
    yield "gzip_csv", gzip.compress(b"1,2\n", mtime=0)
    yield "gzip_padded", packed + bytes(100)
    yield "gzip_tail", packed + bytes(3) + packed
    for name, method, arrays in (("stored", zipfile.ZIP_STORED, "x"), ("deflated", zipfile.ZIP_DEFLATED, "x"),
                                 ("two", zipfile.ZIP_STORED, "xy"), ("none", zipfile.ZIP_STORED, "")):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", method) as archive:
            for array in arrays:
                with archive.open(entry_of(array, method), "w", force_zip64=True) as entry:
                    entry.write(npy("'<f4'", "(3, 4)", floats(12)))
        yield "npz_" + name, out.getvalue()
    yield "npy", npy("'<f4'", "(3, 4)", floats(12), fortran=True)
    yield "csv", b"1,2\n3,4\n"
    yield "nothing", b""


# ---- Settings and calls ----

def settings_inputs():
    for i, text in enumerate((
            "dense:units=3", "dense:units=3,activation=leaky_relu:slope=0.1,bias=false,init=he_normal:gain=2", "relu",
            "leaky_relu:slope=0.3", "elu:alpha=0.5", "reshape:dims=3x2", "flatten", "sequential", "residual", "batch_norm",
            "batch_norm:momentum=0.5,epsilon=1e-3", "layer_norm:epsilon=1e-5", "dropout:rate=0.5", "dropout:rate=1",
            "mse", "mae", "huber:delta=0.5", "bce", "cosine", "gaussian_nll", "sgd:lr=0.1", "momentum:lr=0.1,momentum=0.5",
            "nesterov", "rmsprop:decay=0.9", "adam:lr=1e-2,beta1=0.5,beta2=0.9,epsilon=1e-6", "adamw:weight_decay=0.1",
            "constant", "step:every=1,factor=0.5", "cosine:floor=0.1,warmup=0.1", "warmup:steps=2",
            "plateau:factor=0.5,patience=0", "xavier_uniform", "xavier_normal:gain=0.5", "he_uniform", "lecun_normal",
            "orthogonal:gain=3", "uniform", "normal:gain=1e-3", "torch", "constant:gain=0.5", "dense:units=1e9",
            "dense:units=0", "dense:unit=3", "dense:units=3,units=4", "dense:", ":a=1", "dense:units", "dense:units=",
            "dense:=3", "a:b=c,d=e", "a:b=1x2x3x4x5x6x7", "a:b=1x", "dense:units=1e309", "", " ", "dense :units=3",
            "\u00e9:\u20ac=1", "sequential:layers=3", "softmax", "sigmoid:x=1", "adam:lr=-1", "adam:lr=nan")):
        yield "%02d" % i, text.encode()
    yield "not_utf8", b"dense:units=\xFF"


def api_inputs():
    """Every call after every other once, and long mixed sequences from a generator."""
    state = 12345
    for i in range(24):
        out = bytearray()
        for _ in range(60 + 20 * i):
            state = (state * 6364136223846793005 + 1442695040888963407) % 2 ** 64
            out.append(state >> 56)
        yield "mixed_%02d" % i, bytes(out)
    make, fit, infer, step = [4, 0, 0], [8, 0, 0x28, 3, 3, 0], [6, 0, 0, 3, 3], [9, 0, 1, 3, 3]
    optimizer = [9, 0, 0, 6, 3, 16]  # model, slot, how % 6 == 0, matrix, spec
    apply = [9, 0, 0, 2, 3]
    names = [11, 0, 0, 0, 3]
    copy = [12, 0, 1, 0, 0]
    free = [13, 0, 1]
    runner, run, refresh = [14, 0, 0, 3, 2, 1], [15, 0, 0, 0, 3, 3], [17, 0, 0, 0, 3, 0]
    source, source_fit = [18, 0, 0, 0, 0, 1, 9], [19, 0, 0, 1, 0, 3, 3, 3, 0]
    partial, checkpoint, endure, file = [20, 0, 0, 0, 3, 3, 7], [21, 0, 0x14, 3, 3, 4, 0], [22, 0, 6, 4, 3, 5], [23, 0, 1, 7]
    calls = {"make": make, "fit": fit, "infer": infer, "step": step, "optimizer": optimizer, "apply": apply, "names": names,
             "copy": copy, "free": free, "runner": runner, "run": run, "refresh": refresh, "source": source,
             "source_fit": source_fit, "partial": partial, "checkpoint": checkpoint, "endure": endure, "file": file}
    for name, call in calls.items():
        yield "pairs_" + name, bytes(make + sum((call + other for other in calls.values()), []))
    every_run = sum(([14, j % 3, 0, j, 2, 2 * j + 1] + [15, j % 3, 0x40 + (j == 2), 0, x, x] for j in range(6) for x in (0, 4)), [])
    yield "runners", bytes(make + every_run + [17, 1, 0, 0, 3, 1])
    yield "runners_small", bytes(make + sum(([14, 0, 0, 3, 2, 0x81 + 2 * i, i] for i in range(8)), []))
    yield "runners_after", bytes(make + runner + free + run + refresh + [13, 0, 4] + run)
    for how in (0, 3, 4, 5, 6, 7, 0x08, 0x10, 0x14, 0x16, 0x18, 0x20, 0x30, 0x40, 0x50, 0x2C, 0x83):
        fits = source_fit + [19, 0, 0, 0x15, 13, 3, 3, 0x92, 4, 0] + [19, 0, 0, 5, 0, 3, 3, 0x80, 1, 0]
        yield "stream_%02x" % how, bytes(make + [18, 0, 0, 0, how, how % 2, 9, 1] + fits)
    yield "npy", bytes(make + [18, 1, 1, 0, 12, 0, 0] + [19, 0, 1, 1, 0, 3, 3, 0x90, 4, 0] + [18, 2, 2, 0, 4] +
                       [19, 0, 2, 0, 0, 3, 3, 0, 0])
    yield "partial", bytes(make + partial + [20, 0, 0x10, 11, 3, 3, 0x07] + [20, 0, 0x20, 0, 17, 3, 3, 0x17] +
                           [20, 0, 0x20, 0, 18, 3, 3, 0xC7] + partial)
    yield "checkpoints", bytes(make + checkpoint + [21, 0, 0x04, 0, 3, 4, 0] + file + [21, 0, 0x04, 0, 3, 1, 0xC0, 0, 90, 1, 3] +
                               [21, 0, 0x05, 0, 3, 1, 0] + [23, 0, 2, 6, 0, 40, 0])
    for how in (0x00, 0x05, 0x16, 0x1B):
        runs = ([22, 0, 0x06, stop, 4, how] + [22, 0, 0xA6, 5, 17, 4, how] for stop in (0, 11, 12, 21, 23))
        norms = [2, 0, 3, 2, 1, 0, 3, 0, 1, 2, 1, 5, 3, 0, 1, 2, 1, 7, 3, 0, 1, 2, 1, 2, 3, 0, 1, 4, 0x08, 0, 0]
        yield "endure_%02x" % how, bytes((norms if how % 2 == 1 else make) + sum(runs, []))
    yield from api_full_inputs(make, fit, infer)
    yield from api_use_inputs()
    yield from api_plugin_inputs()


def api_model(slot=0, how=0, more=0, specs=(), penalties=(), corruptions=()):
    """A model of slot with every option: specs in the order in which their bits of how ask for them."""
    lists = [b for each in (penalties, corruptions) for b in ([0, len(each) - 1, *each] if each else [5])]
    return [24, how, more, *([0] if how & 4 else []), slot, *specs, *lists]


def api_full_inputs(make, fit, infer):
    partial, runner, run, terms = [20, 0, 0, 0, 3, 3, 7], [14, 0, 0, 3, 2, 1], [15, 0, 0, 0, 3, 3], [26, 0, 20]
    for first in range(0, 24, 3):
        each = (make + api_model(0, 1, 1, (), (i, i), (i % 18,)) + [10, 0, 1, 3, 3] + fit + terms + [35, 0, 5, 3] +
                [30, 0, 1, 3, 0, 3, 0, 0] + partial for i in range(first, first + 3))
        yield "penalties_%02d" % first, bytes(sum(each, []))
    for first in (0, 4):
        each = (make + api_model(0, 0x41, 0x11, (i,), (), (i,)) + fit + infer + partial + runner + run + [23, 0, 1, 7] +
                [12, 0, 1, 0, 0] + infer for i in range(first, first + 4))
        yield "scalings_%d" % first, bytes(sum(each, []))
    for loss in range(10, 16):
        made = make + api_model(0, 0xA1, 1, (loss, 35, 22 if loss == 11 else 23)) + fit + infer + terms + [6, 0, 4, 3, 3] + [35, 0, 5, 3]
        yield "loss_%d" % loss, bytes(made + runner + run + [14, 1, 0, 5, 2, 1] + [15, 1, 0x40, 0, 3, 3])
    for method in range(5):
        pca = [27, 0x10, method + 12, 0, 0, 19, 3] + [27, 0x20, 6 * 35 + method, 0, 1, 19, 3] + [28, 0, 0, 1, 5, 3, 9, 3]
        more = [20, 0, 3, 3, 3, 1] + [26, 0, 9, 3] + [44, 0, 2, 19, 3] + [12, 1, 2, 0, 0] + [26, 2, 9, 3]
        yield "pca_method_%d" % method, bytes(pca + more + [19, 0, 0, 1, 0, 3, 3, 3, 0] + [8, 0, 0, 3, 3, 0])
    for loss in (42, 43, 44, 50, 53):
        made = api_model(0, 0x21, 1, (loss,)) + [29, 0, 1, 9, 3, 2, 0, 0, 2] + [29, 0, 0, 9, 3, 0, 2]
        yield "classes_%d" % loss, bytes(made + [29, 0, 9, 9, 3, 2, 8, 0, 2] + [2, 0, 50, 32, 0, 1, 0] + [29, 1, 0, 9, 3, 0, 2])
    for how in range(0, 256, 24):
        pca = [27, how, how // 2, 0, 0, 9, 3] + [27, how ^ 8, 7, 0, 1, 12, 5]
        use = [28, how, 0, 0, 5, 3, 9, 0] + [28, how, 0, 1, 5, 3, 9, 4] + partial + fit + runner + run + infer
        yield "pca_%02x" % how, bytes(make + [18, 0, 0, 0, 0, 1, 9] + pca + use + [40, 0, 3, 9, 3, 0] + [30, 0, 1, 5, 3, 0, 0])
    every_answer = sum(([30, 0, how, 5, 3, 4, 5, 0] for how in range(0, 250, 7)), [])
    yield "answers", bytes(make + every_answer + sum(([44, 0, how, 9, 3] for how in range(6)), []))
    for layer in (0, 45, 46, 49, 50, 9):
        grow = [2, 0, layer, 32, 0, 1, 0] + [31, 1, 0, 0, 0] + [31, 1, 0, 3, 3] + [33, 1, 1, 16, 15, 3] + [34, 0, 1, 0, 9, 3]
        yield "grow_%02d" % layer, bytes(make + grow + [34, 0, 1, 12, 9, 3, 60, 0] + [32, 1, 1, 0])
    for how in range(0, 256, 36):
        specs = {4: 10, 8: 23, 64: 53}
        extra = [b for bit, b in specs.items() if how & bit and bit < 16]
        extra += [0, 0, 0] * bool(how & 16) + [0, 0, 0] * bool(how & 32) + [53] * bool(how & 64)
        deep = api_model(0, 1, 2)
        yield "pretrain_%02x" % how, bytes(deep + [33, 0, how, 0x30, 15, 3, *extra] + fit + [33, 0, how ^ 1, 5, 15, 0, *extra])
    for how in range(0, 256, 36):
        two = api_model(0, 1, 1) + api_model(1, 1, 1) + api_model(2, 1, 2, (), (0,), (0,))
        distill = [34, 0, 1, how, 9, 3, 40, 60, 17, 26]
        yield "distill_%02x" % how, bytes(two + distill + [34, 2, 1, how | 12, 9, 3, 60, 5] + [34, 0, 0, 0, 3, 3])
    yield "layers", bytes([2, 0, 3, 2, 1, 0, 3, 0, 1, 2, 1, 5, 3, 0, 1, 2, 1, 2, 3, 0, 1, 4, 0x08, 0, 0] + fit + infer)


def api_use_inputs():
    for kind in range(8):
        calls = {"metrics": [], "codes": [], "groups": []}
        for rows in (5, 19):
            calls["metrics"] += [36, rows, kind, 7 * kind + 1, 120, 0, 0] + [36, rows, kind, 0xF0 + kind, 120]
            calls["metrics"] += sum(([37, spec, rows, kind, 3] for spec in range(18)), [])
            calls["codes"] += sum(([40, which, 7 * kind + which, rows, kind, rows, (kind + which) % 8, 0, 0]
                                   for which in range(0, 25, 2)), [])
            calls["groups"] += sum(([41, how, 2 + kind, rows, kind, 9, kind] for how in (1, 0x11, 0x22, 0x32, 0x83)), [])
            calls["groups"] += sum(([42, how, 3, rows, kind, 0] for how in (4, 9, 0x2E, 0x52)), [])
            calls["groups"] += sum(([43, 2, probe, rows, kind, rows, kind, 2, 2] for probe in range(10)), [])
        for name, each in calls.items():
            yield "%s_%d" % (name, kind), bytes(each)
    for how in range(0, 256, 34):
        yield "sweep_%02x" % how, bytes([45, how, 15, 3, 9, 0, 16, 10] + [45, how ^ 0xA0, 15, 0, 9, 3, 53, 53])
        made = [38, 0, how, 15, how % 8, how % 6, how // 6 % 5] + [9] * (how & 16 > 0)
        use = [39, 0, how, 5, 3] + [30] * (how & 16 > 0) + [0, 0, 0] + [0] * (how & 32 > 0)
        yield "detector_%02x" % how, bytes(made + use + [39, 0, 0x30, 7, 0, 9, 0, 0, 0, 0] + [13, 0, 6])


def api_plugin_inputs():
    """Plug-ins of every kind and habit, three to an input, and a model for each that names it."""
    programs = ([1, 15, 2, 0, 3, 3], [5, 0, 3, 7, 1, 4], [5, 1, 3, 8], [5, 3, 1, 2], [6, 3, 1, 0], [6, 8], [6, 16],
                [4, 2, 4, 13, 4, 21], [4, 0, 1, 0], [4, 3, 4, 4, 4, 4], [4, 7, 1, 2], [1, 11, 7, 0, 1, 1], [1, 6, 1, 7, 1, 3],
                [5, 6, 5, 5], [4, 2, 3, 2, 1, 5], [4, 6, 1, 0], [1, 12, 1, 13, 1, 8], [0], [3, 0, 3, 1, 3, 6])
    habits = [(0x10, (program + [0] * 9)[:9] + [5], 0x60) for program in programs]
    habits += [(how, [1, 15, 1, 0, 1, 2, 0, 0, 0, how % 6], 0x20 + how % 5) for how in (*range(8, 16), 0x90, *range(0xE0, 0xE8), 0x11)]
    fit, infer, check = [8, 0, 0x28, 3, 3, 0], [6, 0, 0, 3, 3], [35, 0, 5, 3]
    after = fit + infer + [6, 0, 3, 3, 3] + [6, 0, 4, 3, 3] + check + [14, 0, 0, 3, 2, 1] + [15, 0, 0, 0, 3, 3] + [12, 0, 1, 0, 0]
    start = [2, 0, 3, 2, 1, 0, 3, 0, 1]
    for kind in range(4):
        for first in range(0, len(habits), 3):
            out = []
            for i, (how, program, more) in enumerate(habits[first:first + 3]):
                models = [start + [2, 1, 36 + i, 3, 0, 1, 2, 1, 0, 3, 0, 1] + api_model(0, 5, 0), api_model(0, 0x21, 1, (36 + i,)),
                          api_model(0, 1, 1, (), (11 + i,)), api_model(0, 1, 1, (), (), (8 + i,))]
                operands = [byte + 8 * (kind == 3 and at % 2 == 0) for at, byte in enumerate(program[:9])] + program[9:]
                out += [4, 0, 0, 46, kind, how, *operands, more, i] + models[kind] + after
            yield "plugins_%d_%02d" % (kind, first), bytes(out)


# ---- Edits of checkpoints (fuzz_checkpoint.c) ----

def edit_value(tensor, element, value):
    return b"\x02" + struct.pack("<HHB", tensor, element, value)


def edit_text(field, text):
    return bytes([1, field, len(text) - 1]) + text


def checkpoint_inputs():
    """Every kind of run as it is; every special value in every tensor; texts behind every name of the run."""
    for kind in range(4):
        yield "whole_%d" % kind, b"", bytes([kind])
        for first in (0, 8, 16, 24):
            yield "values_%d_%d" % (kind, first), edit_value(first + kind, 1, kind), bytes([kind])
        yield "history_%d" % kind, edit_value(8 + kind, 5, 0) + edit_value(9, 0, 11), bytes([kind])
        for field in range(0, 60, 6):
            text = (b"9", b"x", b"-1", b"1e99", b"999999")[field // 6 % 5]
            yield "text_%d_%d" % (kind, field), edit_text(field + kind, text), bytes([kind])
        yield "bytes_%d" % kind, b"\x00" + struct.pack("<HB", 300 * kind + 9, 1) + b"{\"", bytes([kind])


TARGETS = {"checkpoint": checkpoint_inputs, "safetensors": safetensors_inputs, "description": description_inputs,
           "model_file": model_inputs, "npy": npy_inputs, "csv": csv_inputs, "idx": idx_inputs, "settings": settings_inputs, "api": api_inputs}


def main(folder):
    total = 0
    for target, inputs in TARGETS.items():
        place = pathlib.Path(folder) / target
        place.mkdir(parents=True, exist_ok=True)
        for old in place.iterdir():
            if not old.name.startswith("found-"):
                old.unlink()
        for name, content, *control in inputs():
            (place / name).write_bytes(content + (control[0] if control else PLAIN))
            total += len(content) + 1
    print("%d bytes" % total)


if __name__ == "__main__":
    main(sys.argv[1])
