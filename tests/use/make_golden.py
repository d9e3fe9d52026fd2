"""Makes golden.h: what scikit-learn and SciPy say of scores; metrics_test.c compares.

    python3 make_golden.py > golden.h          (scikit-learn 1.9, SciPy 1.17)

Scores are multiples of 1/64, so that float32 holds them exactly.
"""
import numpy
from scipy import optimize, stats
from sklearn import metrics

random = numpy.random.RandomState(20240607)


def array(name, values, kind="double"):
    text = ", ".join("%.17g" % v if kind == "double" else ("%.9g" % v if kind == "float" else "%d" % v) for v in values)
    lines, line = [], "   "
    for word in text.split(" "):
        if len(line) + len(word) > 116:
            lines.append(line)
            line = "   "
        line += " " + word
    print("static const %s %s[] = {\n%s\n};" % (kind, name, "\n".join(lines + [line])))


def coarse(values, step=64):
    return numpy.round(numpy.asarray(values) * step) / step


def pareto(excess):
    """The maximum of the likelihood from many starts, refined: SciPy's own fit stops early now and then."""
    def cost(p):
        value = -stats.genpareto.logpdf(excess, p[0], 0, numpy.exp(p[1])).sum()
        return value if numpy.isfinite(value) else 1e300
    best = min((optimize.minimize(cost, (c, numpy.log(excess.mean())), method="Nelder-Mead",
                                  options={"xatol": 1e-11, "fatol": 1e-12, "maxiter": 20000})
                for c in (-0.4, -0.1, 0.1, 0.5)), key=lambda r: r.fun)
    return best.x[0], numpy.exp(best.x[1])


print("/* golden.h - made by make_golden.py; not to be edited. */")
label = (random.rand(80) < 0.3).astype(int)
score = coarse(random.randn(80) + label, 4)
false_rate, true_rate, threshold = metrics.roc_curve(label, score, drop_intermediate=False)
array("judged_label", label, "uint8_t")
array("judged_score", score, "float")
array("judged_auc_ap", [metrics.roc_auc_score(label, score), metrics.average_precision_score(label, score)])
array("judged_false_rate", false_rate)
array("judged_true_rate", true_rate)
array("judged_threshold", threshold[1:])
above = score > 0.5
array("judged_at_half", [metrics.precision_score(label, above), metrics.recall_score(label, above)])

normal = coarse(random.gamma(2, 3, 500))
array("normal_score", normal, "float")
array("normal_quantile", [numpy.percentile(normal, 95), numpy.percentile(normal, 31.25)])
array("normal_mad", [numpy.median(normal) + k * 1.4826 * stats.median_abs_deviation(normal) for k in (3, 1.5)])
array("normal_fpr", [numpy.sort(normal)[int(numpy.ceil(501 * (1 - rate))) - 1] for rate in (0.01, 0.1)])
pot = []
for level, risk in ((0.9, 1e-3), (0.85, 1e-4)):
    start = numpy.quantile(normal, level)
    excess = normal[normal > start] - start
    c, scale = pareto(excess)
    pot.append(start + scale / c * ((risk * len(normal) / len(excess)) ** -c - 1))
array("normal_pot", pot)
shapes = (0.6, 0.1, 0.0, -0.3)
fits = []
for i, c in enumerate(shapes):
    excess = stats.genpareto.rvs(c, scale=2, size=120, random_state=random)
    array("excess_%d" % i, excess)
    fits += pareto(excess)
array("excess_fit", fits)
