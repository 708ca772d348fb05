// SPDX-License-Identifier: GPL-2.0
/*
 * SHA-256 of what went through the kernel; see sum.h.
 */
#define _GNU_SOURCE
#define OPENSSL_SUPPRESS_DEPRECATED	/* the small interface suffices */
#include <errno.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <strings.h>

#include "sum.h"

static void hex_sum(const void *base, size_t bytes, char *hex)
{
	unsigned char sum[SHA256_DIGEST_LENGTH];
	SHA256_CTX ctx;
	int i;

	SHA256_Init(&ctx);
	SHA256_Update(&ctx, base, bytes);
	SHA256_Final(sum, &ctx);
	for (i = 0; i < SHA256_DIGEST_LENGTH; i++)
		sprintf(hex + 2 * i, "%02x", sum[i]);
}

bool sum_matches(const char *key, const void *base, size_t bytes,
		 const char *expected)
{
	char hex[2 * SHA256_DIGEST_LENGTH + 1];

	hex_sum(base, bytes, hex);
	printf("%s=%s\n", key, hex);
	if (!strcasecmp(hex, expected))
		return true;
	fprintf(stderr, "%s: contents differ: SHA-256 is %s, not %s\n",
		program_invocation_short_name, hex, expected);
	return false;
}
