// SPDX-License-Identifier: GPL-2.0
/*
 * DMA memory without an address in the kernel.
 *
 * Drivers that allocate with DMA_ATTR_NO_KERNEL_MAPPING have no use for an
 * address: a device fills the buffer, another or user space reads it. Such
 * memory comes from the cache of unmapped pages. The cache sets none aside
 * below a limit: a device that does not reach all memory gets pages that leave
 * the direct map for it alone. Where neither works the buddy is asked, as ever.
 *
 * The cache is started by the first who asks, but by a worker: drivers allocate
 * with locks held that do not go with what the start takes. Who asks meanwhile
 * gets memory from the buddy.
 */

#include <linux/device.h>
#include <linux/dma-direct.h>
#include <linux/dma-map-ops.h>
#include <linux/dma-mapping.h>
#include <linux/init.h>
#include <linux/memblock.h>	/* for max_pfn */
#include <linux/mm.h>
#include <linux/page_access.h>
#include <linux/unmapped_alloc.h>
#include <linux/workqueue.h>

#include "direct.h"

/* The buffers may be mapped for other devices, and by who exports them. */
static struct unmapped_owner *dma_owner __ro_after_init;

static void start_cache(struct work_struct *work)
{
	unmapped_alloc_start();
}

static DECLARE_WORK(start_work, start_cache);

static bool cache_started(void)
{
	if (page_access_active())
		return true;
	if (unmapped_alloc_possible())
		schedule_work(&start_work);
	return false;
}

/* Such a device reaches nothing else. */
static bool has_own_area(struct device *dev)
{
#ifdef CONFIG_DMA_CMA
	return dev->cma_area;
#else
	return false;
#endif
}

static unsigned long last_pfn(struct device *dev)
{
	u64 limit = min_not_zero(dev->coherent_dma_mask, dev->bus_dma_limit);

	return PHYS_PFN(dma_to_phys(dev, limit));
}

/* Memory that few devices reach is left for those that reach no other. */
static struct page *alloc_reachable(struct device *dev, unsigned int order,
				    gfp_t gfp)
{
	unsigned long last = last_pfn(dev);
	int nid = dev_to_node(dev);

	if (last >= max_pfn - 1)
		return unmapped_pages_alloc_node(gfp, order, dma_owner, nid);
	return unmapped_pages_alloc_below(gfp, order, dma_owner, nid, last);
}

struct page *dma_unmapped_alloc(struct device *dev, size_t size, gfp_t gfp)
{
	unsigned int order = get_order(size);
	struct page *page;

	if (!dma_owner || order > PMD_ORDER || has_own_area(dev) ||
	    !gfpflags_allow_blocking(gfp) || !cache_started())
		return NULL;

	gfp &= ~(__GFP_DMA | __GFP_DMA32);
	page = alloc_reachable(dev, order,
			       gfp | __GFP_NOWARN | __GFP_NORETRY);
	/* Memory may have been added above; the limit may be inside a page */
	if (page && !dma_coherent_ok(dev, page_to_phys(page), size)) {
		unmapped_pages_free(page, order);
		page = NULL;
	}
	return page;
}

void dma_unmapped_report(struct device *dev, size_t size, gfp_t gfp)
{
	if (gfp & __GFP_NOWARN)
		return;
	dev_warn_ratelimited(dev,
			     "no %zu bytes in its reach (mask %#llx, bus limit %#llx)\n",
			     size, dev->coherent_dma_mask, dev->bus_dma_limit);
}

static int __init dma_unmapped_init(void)
{
	dma_owner = unmapped_owner_create("dma", UNMAPPED_OWNER_KMAP |
						 UNMAPPED_OWNER_ZERO |
						 UNMAPPED_OWNER_SYSCTL);
	return 0;
}
fs_initcall(dma_unmapped_init);
