/* ramp.c - step values that follow the epochs of training: the warm-up of a weight, the level of a corruption.
 *
 * A ramp is a leaf whose attr says how it moves. Its value follows from the epochs alone, so a run that is continued
 * needs nothing but its place.
 */
#include <math.h>

#include "tape/run.h"

struct node *aenc_tape_ramp(struct tape *tape, const char *name, struct ramp ramp) {
    int64_t offset = 0;
    for (size_t i = 0; i < tape->node_count; i++)
        if (tape->node[i]->kind == NODE_STEP) offset++;
    struct node *n = aenc_tape_step_value(tape, name, offset);
    struct ramp *copy = n == NULL ? NULL : aenc_arena_alloc(&tape->arena, 1, sizeof *copy);
    if (n != NULL && copy == NULL) tape->status = AENC_ERR_NO_MEMORY;
    if (copy == NULL) return NULL;
    *copy = ramp;
    n->attr = copy;
    return n;
}

double aenc_ramp_value(const struct ramp *ramp, double epochs) {
    if (ramp->cycles > 0 && epochs < 2 * ramp->over * ramp->cycles) epochs = fmod(epochs, 2 * ramp->over);
    if (!(epochs < ramp->over)) return ramp->to;
    double t = epochs > 0 ? epochs / ramp->over : 0;
    if (ramp->shape == RAMP_EXPONENTIAL) return ramp->from * pow(ramp->to / ramp->from, t);
    if (ramp->shape == RAMP_COSINE) t = 0.5 * (1 - cos(3.14159265358979323846 * t));
    return ramp->from + (ramp->to - ramp->from) * t;
}

void aenc_run_ramps(struct run *run, double epochs) {
    const struct tape *tape = run->plan->tape;
    for (size_t i = 0; i < tape->node_count && run->ramp != NULL; i++) {
        const struct node *n = tape->node[i];
        if (n->kind == NODE_STEP && n->attr != NULL) run->ramp[n->offset] = (num)aenc_ramp_value(n->attr, epochs);
    }
}
