/* status.c - the names of the statuses. */
#include <autoenc/autoenc.h>

struct status_name {
    aenc_status status;
    const char *name;
};

static const struct status_name names[] = {
    {AENC_OK, "AENC_OK"},
    {AENC_ERR_ARGUMENT, "AENC_ERR_ARGUMENT"},
    {AENC_ERR_SHAPE, "AENC_ERR_SHAPE"},
    {AENC_ERR_NONFINITE, "AENC_ERR_NONFINITE"},
    {AENC_ERR_NO_MEMORY, "AENC_ERR_NO_MEMORY"},
    {AENC_ERR_IO, "AENC_ERR_IO"},
    {AENC_ERR_FORMAT, "AENC_ERR_FORMAT"},
    {AENC_ERR_DIVERGED, "AENC_ERR_DIVERGED"},
    {AENC_ERR_UNSUPPORTED, "AENC_ERR_UNSUPPORTED"},
    {AENC_ERR_NO_GRADIENT, "AENC_ERR_NO_GRADIENT"},
    {AENC_ERR_VERSION, "AENC_ERR_VERSION"},
    {AENC_ERR_BUSY, "AENC_ERR_BUSY"},
    {AENC_ERR_CALLBACK, "AENC_ERR_CALLBACK"},
    {AENC_ERR_CANCELLED, "AENC_ERR_CANCELLED"},
    {AENC_ERR_INTERNAL, "AENC_ERR_INTERNAL"},
};

const char *aenc_status_name(aenc_status status) {
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].status == status) return names[i].name;
    return "unknown status";
}
