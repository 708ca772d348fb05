// SPDX-License-Identifier: GPL-2.0
/*
 * Before a network device reaches the pages of a packet.
 *
 * sendfile() and MSG_ZEROCOPY send pages of files and of users, which may be
 * inaccessible. The linear part is the kernel's own memory.
 */

#include <linux/page_access_dma.h>
#include <linux/skbuff.h>

static int prepare_frags(const struct sk_buff *skb)
{
	const struct skb_shared_info *shinfo = skb_shinfo(skb);
	struct page *page;
	int i, err = 0;

	for (i = 0; i < shinfo->nr_frags && !err; i++) {
		const skb_frag_t *frag = &shinfo->frags[i];

		/* Memory of a device has no page */
		page = skb_frag_page(frag);
		if (page)
			err = __page_access_prepare_dma(page,
							skb_frag_off(frag),
							skb_frag_size(frag),
							DMA_TO_DEVICE, false);
	}
	return err;
}

static int prepare_skb(const struct sk_buff *skb)
{
	struct sk_buff *part;
	int err;

	err = prepare_frags(skb);
	if (err)
		return err;
	skb_walk_frags(skb, part) {
		err = prepare_frags(part);
		if (err)
			return err;
	}
	return 0;
}

struct sk_buff *__page_access_validate_skb(struct sk_buff *skb)
{
	if (!skb || likely(!prepare_skb(skb)))
		return skb;
	kfree_skb_reason(skb, SKB_DROP_REASON_INACCESSIBLE);
	return NULL;
}
