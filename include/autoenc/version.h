/* version.h - the numbers that the build reads.
 *
 * AENC_VERSION_* is the release. AENC_ABI_VERSION is the soname: it moves only when a program compiled against an
 * older header would misbehave, which additions never make it do.
 */
#ifndef AUTOENC_VERSION_H
#define AUTOENC_VERSION_H

#define AENC_VERSION_MAJOR 0
#define AENC_VERSION_MINOR 2
#define AENC_VERSION_PATCH 0
/* For #if: what aenc_version_number() returns of the library that is running. */
#define AENC_VERSION_NUMBER (10000 * AENC_VERSION_MAJOR + 100 * AENC_VERSION_MINOR + AENC_VERSION_PATCH)
#define AENC_ABI_VERSION 0

/* Names of 0.1, for sources that have them still. */
#define aenc_model_parameter_count aenc_model_tensor_count
#define aenc_model_parameter_name aenc_model_tensor_name
#define aenc_model_parameter_get aenc_model_tensor_get
#define aenc_model_parameter_set aenc_model_tensor_set

#endif
