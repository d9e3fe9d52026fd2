/* clip.c - keeping the gradient's norm within a limit (Pascanu, Mikolov, Bengio 2013), as
 * torch.nn.utils.clip_grad_norm_: multiply by limit / (norm + 1e-6) where that is below 1. Clipping by value is done
 * where the gradient is used. */
#include "optim/optim.h"

double aenc_clip_factor(double norm, double limit) {
    double factor = limit / (norm + 1e-6);
    return limit > 0 && factor < 1 ? factor : 1;
}
