/* version.c - the version that is running, which need not be the one a program was compiled against. */
#include <autoenc/autoenc.h>

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

int32_t aenc_version_number(void) { return AENC_VERSION_NUMBER; }

const char *aenc_version_string(void) {
    return TEXT(AENC_VERSION_MAJOR) "." TEXT(AENC_VERSION_MINOR) "." TEXT(AENC_VERSION_PATCH);
}
