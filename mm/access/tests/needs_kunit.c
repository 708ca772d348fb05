// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests for code that asks whether a page needs kmap, to do without it
 * where it can: crypto, the network, buffer heads. Data of users passes through
 * all of it. Without its hook each uses the direct-map address, and faults.
 */

#include <kunit/test.h>

#include <crypto/acompress.h>
#include <crypto/hash.h>
#include <crypto/scatterwalk.h>
#include <crypto/skcipher.h>
#include <linux/buffer_head.h>
#include <linux/etherdevice.h>
#include <linux/highmem.h>
#include <linux/netdevice.h>
#include <linux/page_access.h>
#include <linux/scatterlist.h>
#include <linux/skbuff.h>
#include <linux/unmapped_alloc.h>

#include "pages.h"

/* Large folios here have four pages. */
#define LARGE_ORDER	2
#define LARGE_SIZE	(PAGE_SIZE << LARGE_ORDER)

static struct folio *large_folio(struct kunit *test)
{
	return kunit_keep_folio(test,
				unmapped_folio_alloc(GFP_KERNEL | __GFP_ZERO,
						     LARGE_ORDER,
						     buffer_owner));
}

/* A large folio with a pattern, and the same pattern in @want. */
static struct folio *patterned_folio(struct kunit *test, u8 **want)
{
	struct folio *folio = large_folio(test);
	size_t i;

	*want = kunit_kzalloc(test, LARGE_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, *want);
	for (i = 0; i < LARGE_SIZE; i++)
		(*want)[i] = (i * 13 + (i >> PAGE_SHIFT) * 101) % 251 + 1;
	memcpy_to_folio(folio, 0, *want, LARGE_SIZE);
	return folio;
}

static void expect_bytes(struct kunit *test, struct folio *folio,
			 size_t offset, const u8 *want, size_t len)
{
	u8 *got = kunit_kzalloc(test, LARGE_SIZE, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, got);
	memcpy_from_folio(got, folio, offset, len);
	KUNIT_EXPECT_EQ(test, memcmp(got, want, len), 0);
	KUNIT_EXPECT_EQ(test, current->kmap_ctrl.idx, 0);
}

static void folio_sg(struct scatterlist *sg, struct folio *folio, size_t len,
		     size_t offset)
{
	sg_init_table(sg, 1);
	sg_set_page(sg, folio_page(folio, 0), len, offset);
}

/* Entries of several pages, which differ in where pages begin. */
static void test_memcpy_sglist(struct kunit *test)
{
	struct scatterlist src, dst;
	size_t len = 2 * PAGE_SIZE + 300;
	u8 *want;
	struct folio *from = patterned_folio(test, &want);
	struct folio *to = large_folio(test);

	folio_sg(&src, from, len, PAGE_SIZE - 100);
	folio_sg(&dst, to, len, 77);
	memcpy_sglist(&dst, &src, len);
	expect_bytes(test, to, 77, want + PAGE_SIZE - 100, len);
}

/* One page to compress, as zswap has it, and one that is made of it. */
static int run_acomp(struct acomp_req *req, struct page *src,
		     unsigned int slen, struct page *dst, unsigned int dlen,
		     int (*op)(struct acomp_req *req))
{
	struct scatterlist in, out;

	sg_init_table(&in, 1);
	sg_init_table(&out, 1);
	sg_set_page(&in, src, slen, 0);
	sg_set_page(&out, dst, dlen, 0);
	acomp_request_set_params(req, &in, &out, slen, dlen);
	return op(req);
}

static void test_compress(struct kunit *test)
{
	struct crypto_acomp *tfm = crypto_alloc_acomp("lzo", 0, 0);
	struct page *small = kunit_owned_page(test, buffer_owner);
	struct page *back = kunit_owned_page(test, buffer_owner);
	struct page *plain = kunit_ordinary_page(test);
	struct acomp_req *req;
	u8 *want;
	struct folio *from = patterned_folio(test, &want);
	u8 *got;

	KUNIT_ASSERT_FALSE(test, IS_ERR(tfm));
	req = acomp_request_alloc(tfm);
	KUNIT_EXPECT_NOT_NULL(test, req);
	if (!req)
		goto free_tfm;

	KUNIT_EXPECT_EQ(test, 0, run_acomp(req, folio_page(from, 0), PAGE_SIZE,
					   small, PAGE_SIZE,
					   crypto_acomp_compress));
	KUNIT_EXPECT_LT(test, req->dlen, PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, 0, run_acomp(req, small, req->dlen, plain,
					   PAGE_SIZE, crypto_acomp_decompress));
	KUNIT_EXPECT_EQ(test, memcmp(page_address(plain), want, PAGE_SIZE), 0);

	/* One side at a time: each has a test of its own */
	KUNIT_EXPECT_EQ(test, 0, run_acomp(req, plain, PAGE_SIZE, small,
					   PAGE_SIZE, crypto_acomp_compress));
	KUNIT_EXPECT_EQ(test, 0, run_acomp(req, small, req->dlen, back,
					   PAGE_SIZE, crypto_acomp_decompress));
	got = kmap_local_page(back);
	KUNIT_EXPECT_EQ(test, memcmp(got, want, PAGE_SIZE), 0);
	kunmap_local(got);

	acomp_request_free(req);
free_tfm:
	crypto_free_acomp(tfm);
}

static int run_hash(struct crypto_ahash *tfm, struct scatterlist *sg,
		    unsigned int len, u32 *digest)
{
	struct ahash_request *req = ahash_request_alloc(tfm, GFP_KERNEL);
	int err;

	if (!req)
		return -ENOMEM;
	*digest = 0;
	ahash_request_set_callback(req, 0, NULL, NULL);
	ahash_request_set_crypt(req, sg, (u8 *)digest, len);
	err = crypto_ahash_digest(req);
	ahash_request_free(req);
	return err;
}

/* Of a range of a folio, where it is and in ordinary memory. */
static void hash_range(struct kunit *test, struct crypto_ahash *tfm,
		       struct folio *folio, const u8 *want, size_t offset,
		       size_t len)
{
	struct scatterlist sg;
	u32 one, two;

	folio_sg(&sg, folio, len, offset);
	KUNIT_EXPECT_EQ(test, run_hash(tfm, &sg, len, &one), 0);
	sg_init_one(&sg, want + offset, len);
	KUNIT_EXPECT_EQ(test, run_hash(tfm, &sg, len, &two), 0);
	KUNIT_EXPECT_EQ(test, one, two);
}

static void free_ahash(void *tfm)
{
	crypto_free_ahash(tfm);
}

static struct crypto_ahash *new_ahash(struct kunit *test)
{
	struct crypto_ahash *tfm = crypto_alloc_ahash("crc32c", 0,
						      CRYPTO_ALG_ASYNC);

	KUNIT_ASSERT_FALSE(test, IS_ERR(tfm));
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, free_ahash, tfm));
	return tfm;
}

static void test_hash(struct kunit *test)
{
	struct crypto_ahash *tfm = new_ahash(test);
	u8 *want;
	struct folio *folio = patterned_folio(test, &want);

	hash_range(test, tfm, folio, want, 10, 500);
	hash_range(test, tfm, folio, want, PAGE_SIZE - 10, 500);
	hash_range(test, tfm, folio, want, 10, 3 * PAGE_SIZE);
	/* Less than a page, that is not in the entry's first page */
	hash_range(test, tfm, folio, want, 2 * PAGE_SIZE + 10, 500);
	KUNIT_EXPECT_EQ(test, current->kmap_ctrl.idx, 0);
}

static void hash_two(struct kunit *test, struct crypto_ahash *tfm,
		     struct page *one, struct page *two)
{
	struct scatterlist sg[2];
	u32 digest;

	sg_init_table(sg, 2);
	sg_set_page(sg, one, 100, 10);
	sg_set_page(sg + 1, two, 100, 10);
	KUNIT_EXPECT_EQ(test, run_hash(tfm, sg, 200, &digest), -EACCES);
	KUNIT_EXPECT_EQ(test, digest, 0);
}

/* Alone it is mapped in one function, among others in another */
static void test_hash_refused(struct kunit *test)
{
	struct crypto_ahash *tfm = new_ahash(test);
	struct page *secret = kunit_owned_page(test, secret_owner);
	struct page *page = kunit_owned_page(test, buffer_owner);
	struct scatterlist sg;
	u32 digest;

	sg_init_table(&sg, 1);
	sg_set_page(&sg, secret, 100, 10);
	KUNIT_EXPECT_EQ(test, run_hash(tfm, &sg, 100, &digest), -EACCES);
	KUNIT_EXPECT_EQ(test, digest, 0);
	hash_two(test, tfm, page, secret);
	hash_two(test, tfm, secret, page);
	KUNIT_EXPECT_EQ(test, current->kmap_ctrl.idx, 0);
}

static int run_cipher(struct crypto_skcipher *tfm, struct page *src,
		      struct page *dst)
{
	struct skcipher_request *req = skcipher_request_alloc(tfm, GFP_KERNEL);
	struct scatterlist in, out;
	int err;

	if (!req)
		return -ENOMEM;
	sg_init_table(&in, 1);
	sg_init_table(&out, 1);
	sg_set_page(&in, src, PAGE_SIZE, 0);
	sg_set_page(&out, dst, PAGE_SIZE, 0);
	skcipher_request_set_callback(req, 0, NULL, NULL);
	skcipher_request_set_crypt(req, &in, &out, PAGE_SIZE, NULL);
	err = crypto_skcipher_encrypt(req);
	skcipher_request_free(req);
	return err;
}

/* The cipher that changes nothing copies from page to page. */
static void test_cipher(struct kunit *test)
{
	struct page *secret = kunit_owned_page(test, secret_owner);
	struct page *page = kunit_owned_page(test, buffer_owner);
	struct page *plain = kunit_ordinary_page(test);
	struct crypto_skcipher *tfm;

	tfm = crypto_alloc_skcipher("ecb(cipher_null)", 0, CRYPTO_ALG_ASYNC);
	KUNIT_ASSERT_FALSE(test, IS_ERR(tfm));
	memset_page(page, 0, 0x5a, PAGE_SIZE);
	memset(page_address(plain), 0, PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, run_cipher(tfm, page, plain), 0);
	KUNIT_EXPECT_TRUE(test, page_filled_with(page_address(plain), 0x5a));
	KUNIT_EXPECT_EQ(test, run_cipher(tfm, secret, plain), -EACCES);
	KUNIT_EXPECT_EQ(test, run_cipher(tfm, plain, secret), -EACCES);
	KUNIT_EXPECT_EQ(test, current->kmap_ctrl.idx, 0);
	crypto_free_skcipher(tfm);
}

static int no_poll(struct napi_struct *napi, int budget)
{
	return 0;
}

/* A packet of which all is in a page, even the header of the link. */
static struct sk_buff *receive_frags(struct napi_struct *napi,
				     struct page *page, unsigned int len)
{
	struct sk_buff *skb = napi_get_frags(napi);

	if (!skb)
		return NULL;
	get_page(page);
	skb_add_rx_frag(skb, 0, page, 0, len, PAGE_SIZE);
	if (napi_gro_frags(napi) != GRO_NORMAL || list_empty(&napi->rx_list))
		return NULL;
	skb = list_first_entry(&napi->rx_list, struct sk_buff, list);
	skb_list_del_init(skb);
	napi->rx_count = 0;
	return skb;
}

static void test_gro(struct kunit *test)
{
	struct page *page = kunit_owned_page(test, buffer_owner);
	struct net_device *dev = alloc_netdev_dummy(0);
	struct napi_struct napi = { };
	struct sk_buff *skb;

	KUNIT_ASSERT_NOT_NULL(test, dev);
	memset_page(page, 0, 0x42, PAGE_SIZE);
	netif_napi_add(dev, &napi, no_poll);
	local_bh_disable();
	skb = receive_frags(&napi, page, 200);
	local_bh_enable();
	KUNIT_EXPECT_NOT_NULL(test, skb);
	if (skb) {
		KUNIT_EXPECT_EQ(test, skb->len, 200 - ETH_HLEN);
		KUNIT_EXPECT_NULL(test, memchr_inv(skb_mac_header(skb), 0x42,
						   ETH_HLEN));
		kfree_skb(skb);
	}
	netif_napi_del(&napi);
	free_netdev(dev);
	KUNIT_EXPECT_EQ(test, current->kmap_ctrl.idx, 0);
}

/* A pointer for the page's whole life is not to be had, only an offset. */
static void test_buffer_head(struct kunit *test)
{
	struct page *page = kunit_owned_page(test, buffer_owner);
	struct page *plain = kunit_ordinary_page(test);
	struct buffer_head bh = { .b_size = 512 };

	folio_set_bh(&bh, page_folio(page), 1024);
	KUNIT_EXPECT_PTR_EQ(test, bh.b_data, (char *)1024);
	KUNIT_EXPECT_EQ(test, bh_offset(&bh), 1024);
	folio_set_bh(&bh, page_folio(plain), 1024);
	KUNIT_EXPECT_PTR_EQ(test, bh.b_data, (char *)page_address(plain) + 1024);
}

static struct kunit_case needs_cases[] = {
	KUNIT_CASE(test_memcpy_sglist),
	KUNIT_CASE(test_compress),
	KUNIT_CASE(test_hash),
	KUNIT_CASE(test_hash_refused),
	KUNIT_CASE(test_cipher),
	KUNIT_CASE(test_gro),
	KUNIT_CASE(test_buffer_head),
	{}
};

static struct kunit_suite needs_suite = {
	.name = "page_access_needs_kmap",
	.init = kunit_make_owners,
	.exit = kunit_drop_owners,
	.test_cases = needs_cases,
};

kunit_test_suite(needs_suite);
