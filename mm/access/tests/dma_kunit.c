// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests for devices and pages without a usable direct-map address.
 *
 * Each way by which a device comes to a page is tried with a page whose owner
 * refuses it, with one whose owner allows it, and with an error injected. The
 * devices are the tests' own: a device without a driver, a RAM disk that
 * counts what reaches it, a request queue, a network device, a virtio ring
 * and a USB device that nothing serves.
 *
 * The pages come from the cache of mm/unmapped/: its owner BUFFER lets the
 * kernel and devices have them, its owner SECRETMEM does not.
 */

#include <kunit/device.h>
#include <kunit/test.h>

#include <linux/bio.h>
#include <linux/blk-mq.h>
#include <linux/blkdev.h>
#include <linux/dma-direct.h>
#include <linux/dma-mapping.h>
#include <linux/fault-inject.h>
#include <linux/highmem.h>
#include <linux/netdevice.h>
#include <linux/page_access_dma.h>
#include <linux/scatterlist.h>
#include <linux/set_memory.h>
#include <linux/skbuff.h>
#include <linux/swap.h>
#include <linux/swiotlb.h>
#include <linux/tracepoint.h>
#include <linux/unmapped_alloc.h>
#include <linux/usb.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <linux/writeback.h>

#include <trace/events/skb.h>

#include "../access.h"
#include "../../swap.h"
#include "pages.h"

/*
 * Folios, and what is in them.
 */

static struct page *buffer_page(struct kunit *test)
{
	return kunit_owned_page(test, buffer_owner);
}

static struct page *secret_page(struct kunit *test)
{
	return kunit_owned_page(test, secret_owner);
}

static struct folio *patterned_folio(struct kunit *test, u8 **want,
				     unsigned int seed)
{
	struct folio *folio = kunit_owned_folio(test, LARGE_ORDER, buffer_owner);

	*want = kunit_plain_buffer(test);
	make_pattern(*want, LARGE_SIZE, seed);
	memcpy_to_folio(folio, 0, *want, LARGE_SIZE);
	return folio;
}

static void expect_contents(struct kunit *test, struct folio *folio,
			    const u8 *want)
{
	u8 *got = kunit_plain_buffer(test);

	memcpy_from_folio(got, folio, 0, LARGE_SIZE);
	KUNIT_EXPECT_MEMEQ(test, got, want, LARGE_SIZE);
}

/*
 * Errors on demand: all there are, until the test or stop_errors() ends it.
 */

/* As FAULT_ATTR_INITIALIZER has it. */
static void stop_errors(void *unused)
{
	fail_page_access.probability = 0;
	fail_page_access.verbose = 2;
	atomic_set(&fail_page_access.times, 1);
}

static void start_errors(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, stop_errors, NULL));
	atomic_set(&fail_page_access.times, -1);
	fail_page_access.verbose = 0;
	fail_page_access.probability = 100;
}

/*
 * DMA mappings.
 */

static struct device *dma_device(struct kunit *test)
{
	struct device *dev = kunit_device_register(test, "dma");

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dev);
	KUNIT_ASSERT_EQ(test, 0,
			dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64)));
	return dev;
}

static bool maps(struct device *dev, struct page *page, size_t offset,
		 size_t len, enum dma_data_direction dir)
{
	dma_addr_t addr = dma_map_page(dev, page, offset, len, dir);

	if (dma_mapping_error(dev, addr))
		return false;
	dma_unmap_page(dev, addr, len, dir);
	return true;
}

static void test_page_refused(struct kunit *test)
{
	struct device *dev = dma_device(test);
	struct page *page = secret_page(test);

	KUNIT_EXPECT_EQ(test, DMA_MAPPING_ERROR,
			dma_map_page(dev, page, 0, 64, DMA_TO_DEVICE));
	KUNIT_EXPECT_EQ(test, DMA_MAPPING_ERROR,
			dma_map_page(dev, page, 0, 64, DMA_FROM_DEVICE));
	KUNIT_EXPECT_EQ(test, DMA_MAPPING_ERROR,
			dma_map_page(dev, page, 0, 64, DMA_BIDIRECTIONAL));
	KUNIT_EXPECT_EQ(test, DMA_MAPPING_ERROR,
			dma_map_single(dev, page_address(page) + 8, 64,
				       DMA_TO_DEVICE));
}

/* A device gets the page itself: it needs no direct map. */
static void test_page_allowed(struct kunit *test)
{
	struct device *dev = dma_device(test);
	struct page *page = buffer_page(test);
	dma_addr_t addr;

	if (is_swiotlb_force_bounce(dev))
		kunit_skip(test, "swiotlb=force");
	addr = dma_map_page(dev, page, 100, 64, DMA_TO_DEVICE);
	KUNIT_ASSERT_FALSE(test, dma_mapping_error(dev, addr));
	KUNIT_EXPECT_EQ(test, dma_to_phys(dev, addr), page_to_phys(page) + 100);
	dma_unmap_page(dev, addr, 64, DMA_TO_DEVICE);
	KUNIT_EXPECT_FALSE(test, kernel_page_present(page));
}

static void clear_mark(void *page)
{
	page_clear_inaccessible(page);
}

/* A folio of which one page is marked, and nobody's: it will be refused. */
static struct folio *folio_with_mark(struct kunit *test, unsigned int nr)
{
	struct folio *folio = kunit_ordinary_folio(test, LARGE_ORDER);
	struct page *page = folio_page(folio, nr);

	page_set_inaccessible(page);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, clear_mark, page));
	return folio;
}

/* All pages of a range are asked for, and no other. */
static void test_range(struct kunit *test)
{
	struct folio *folio = folio_with_mark(test, 2);
	struct device *dev = dma_device(test);
	struct page *page = folio_page(folio, 0);
	size_t two = 2 * PAGE_SIZE;

	KUNIT_EXPECT_TRUE(test, maps(dev, page, 0, two, DMA_TO_DEVICE));
	KUNIT_EXPECT_FALSE(test, maps(dev, page, 0, two + 1, DMA_TO_DEVICE));
	KUNIT_EXPECT_FALSE(test, maps(dev, page, 0, LARGE_SIZE, DMA_TO_DEVICE));
	KUNIT_EXPECT_TRUE(test, maps(dev, page, two - 1, 1, DMA_TO_DEVICE));
	KUNIT_EXPECT_FALSE(test, maps(dev, page, two - 1, 2, DMA_TO_DEVICE));
	KUNIT_EXPECT_FALSE(test, maps(dev, page, two, 1, DMA_TO_DEVICE));
	KUNIT_EXPECT_FALSE(test, maps(dev, page, two + PAGE_SIZE - 1, 1,
				      DMA_TO_DEVICE));
	KUNIT_EXPECT_TRUE(test, maps(dev, page, two + PAGE_SIZE, PAGE_SIZE,
				     DMA_TO_DEVICE));
	KUNIT_EXPECT_FALSE(test, maps(dev, page + 1, PAGE_SIZE, 1,
				      DMA_TO_DEVICE));
}

static void test_range_helpers(struct kunit *test)
{
	struct folio *folio = folio_with_mark(test, 3);
	struct page *page = folio_page(folio, 0);
	size_t three = 3 * PAGE_SIZE;

	KUNIT_EXPECT_EQ(test, -EACCES, folio_prepare_dma(folio, DMA_TO_DEVICE));
	KUNIT_EXPECT_EQ(test, 0, page_access_prepare_dma(page, three, 0,
							 DMA_TO_DEVICE, false));
	KUNIT_EXPECT_EQ(test, 0, page_access_prepare_buf(folio_address(folio),
							 three, DMA_TO_DEVICE));
	KUNIT_EXPECT_EQ(test, -EACCES,
			page_access_prepare_buf(folio_address(folio) + 1, three,
						DMA_TO_DEVICE));
	KUNIT_EXPECT_EQ(test, 0, page_access_prepare_buf(NULL, 1,
							 DMA_TO_DEVICE));
	KUNIT_EXPECT_FALSE(test, page_access_needs_kmap(page, 0, three));
	KUNIT_EXPECT_TRUE(test, page_access_needs_kmap(page, 1, three));
	KUNIT_EXPECT_TRUE(test, page_access_needs_kmap(page, three + 5, 1));
}

/* Where no RAM is there is no struct page to look at. */
static void test_no_page(struct kunit *test)
{
	struct device *dev = dma_device(test);
	unsigned long pfn = max_pfn;
	dma_addr_t addr;

	if (is_swiotlb_force_bounce(dev))
		kunit_skip(test, "swiotlb=force");
	while (pfn_valid(pfn))
		pfn += PAGES_PER_SECTION;
	KUNIT_EXPECT_TRUE(test, maps(dev, pfn_to_page(pfn), 0, PAGE_SIZE,
				     DMA_TO_DEVICE));
	addr = dma_map_resource(dev, PFN_PHYS(pfn), PAGE_SIZE, DMA_TO_DEVICE,
				0);
	KUNIT_EXPECT_FALSE(test, dma_mapping_error(dev, addr));
}

/* Three segments, of which number @refused is refused. */
#define NR_SEGS		3
#define UNTOUCHED	((dma_addr_t)0x5a5a5a)

static void fill_sg(struct kunit *test, struct scatterlist *sg, int refused)
{
	int i;

	sg_init_table(sg, NR_SEGS);
	for (i = 0; i < NR_SEGS; i++) {
		struct page *page = i == refused ? secret_page(test) :
				    i == 1 ? buffer_page(test) :
				    kunit_ordinary_page(test);

		sg_set_page(&sg[i], page, PAGE_SIZE - 8, 8);
		sg_dma_address(&sg[i]) = UNTOUCHED;
	}
}

/* The error comes before anything is mapped. */
static void expect_untouched(struct kunit *test, struct scatterlist *sg)
{
	int i;

	for (i = 0; i < NR_SEGS; i++)
		KUNIT_EXPECT_EQ(test, sg_dma_address(&sg[i]), UNTOUCHED);
}

static void test_sg_refused(struct kunit *test)
{
	struct device *dev = dma_device(test);
	struct scatterlist sg[NR_SEGS];
	int refused;

	for (refused = 0; refused < NR_SEGS; refused++) {
		fill_sg(test, sg, refused);
		KUNIT_EXPECT_EQ(test, 0, dma_map_sg(dev, sg, NR_SEGS,
						    DMA_FROM_DEVICE));
		expect_untouched(test, sg);
	}
}

static void test_sgtable_refused(struct kunit *test)
{
	struct device *dev = dma_device(test);
	struct scatterlist sg[NR_SEGS];
	struct sg_table sgt = { .sgl = sg, .orig_nents = NR_SEGS };

	fill_sg(test, sg, NR_SEGS - 1);
	KUNIT_EXPECT_EQ(test, -EIO,
			dma_map_sgtable(dev, &sgt, DMA_TO_DEVICE, 0));
	KUNIT_EXPECT_EQ(test, sgt.nents, 0);
	expect_untouched(test, sg);
}

static void test_sg_allowed(struct kunit *test)
{
	struct device *dev = dma_device(test);
	struct scatterlist sg[NR_SEGS];
	int i;

	if (is_swiotlb_force_bounce(dev))
		kunit_skip(test, "swiotlb=force");
	fill_sg(test, sg, -1);
	KUNIT_ASSERT_EQ(test, NR_SEGS,
			dma_map_sg(dev, sg, NR_SEGS, DMA_TO_DEVICE));
	for (i = 0; i < NR_SEGS; i++)
		KUNIT_EXPECT_EQ(test, dma_to_phys(dev, sg_dma_address(&sg[i])),
				sg_phys(&sg[i]));
	dma_unmap_sg(dev, sg, NR_SEGS, DMA_TO_DEVICE);
}

static void test_map_error(struct kunit *test)
{
	struct device *dev = dma_device(test);
	struct page *page = buffer_page(test);
	struct page *plain = kunit_ordinary_page(test);
	struct scatterlist sg[NR_SEGS];
	struct sg_table sgt = { .sgl = sg, .orig_nents = NR_SEGS };

	fill_sg(test, sg, -1);
	start_errors(test);
	KUNIT_EXPECT_FALSE(test, maps(dev, page, 0, 64, DMA_TO_DEVICE));
	KUNIT_EXPECT_EQ(test, -EIO,
			dma_map_sgtable(dev, &sgt, DMA_TO_DEVICE, 0));
	expect_untouched(test, sg);
	KUNIT_EXPECT_TRUE(test, maps(dev, plain, 0, 64, DMA_TO_DEVICE));
	stop_errors(NULL);
	KUNIT_EXPECT_TRUE(test, maps(dev, page, 0, 64, DMA_TO_DEVICE));
}

/*
 * Bounce buffers, as with swiotlb=force: where the pages are is chance.
 */

static void stop_bouncing(void *mem)
{
	((struct io_tlb_mem *)mem)->force_bounce = false;
}

static struct device *bouncing_device(struct kunit *test)
{
	struct device *dev = dma_device(test);

	if (!is_swiotlb_allocated())
		KUNIT_ASSERT_EQ(test, 0,
				swiotlb_init_late(SZ_2M, GFP_KERNEL, NULL));
	if (!is_swiotlb_force_bounce(dev)) {
		dev->dma_io_tlb_mem->force_bounce = true;
		KUNIT_ASSERT_EQ(test, 0,
				kunit_add_action_or_reset(test, stop_bouncing,
							  dev->dma_io_tlb_mem));
	}
	return dev;
}

/* Maps part of some pages, and returns the kernel's address of the buffer. */
static u8 *bounce(struct kunit *test, struct device *dev, struct page *page,
		  size_t offset, size_t len, enum dma_data_direction dir,
		  dma_addr_t *addr)
{
	phys_addr_t phys;

	*addr = dma_map_page(dev, page, offset, len, dir);
	KUNIT_ASSERT_FALSE(test, dma_mapping_error(dev, *addr));
	phys = dma_to_phys(dev, *addr);
	KUNIT_ASSERT_NOT_NULL(test, swiotlb_find_pool(dev, phys));
	return phys_to_virt(phys);
}

static void test_bounce_out(struct kunit *test)
{
	struct device *dev = bouncing_device(test);
	size_t offset = PAGE_SIZE - 100, len = PAGE_SIZE + 300;
	dma_addr_t addr;
	u8 *want, *seen;
	struct folio *folio = patterned_folio(test, &want, 1);

	seen = bounce(test, dev, folio_page(folio, 0), offset, len,
		      DMA_TO_DEVICE, &addr);
	KUNIT_EXPECT_MEMEQ(test, seen, want + offset, len);
	dma_unmap_page(dev, addr, len, DMA_TO_DEVICE);
	expect_contents(test, folio, want);
	KUNIT_EXPECT_EQ(test, current->kmap_ctrl.idx, 0);
}

static void test_bounce_in(struct kunit *test)
{
	struct device *dev = bouncing_device(test);
	size_t offset = PAGE_SIZE - 100, len = PAGE_SIZE + 300;
	dma_addr_t addr;
	u8 *want, *seen;
	struct folio *folio = patterned_folio(test, &want, 2);

	seen = bounce(test, dev, folio_page(folio, 0), offset, len,
		      DMA_FROM_DEVICE, &addr);
	make_pattern(seen, len, 99);
	make_pattern(want + offset, len, 99);
	dma_unmap_page(dev, addr, len, DMA_FROM_DEVICE);
	expect_contents(test, folio, want);
	KUNIT_EXPECT_EQ(test, current->kmap_ctrl.idx, 0);
}

/* Part of a mapping that stays, in both directions, across two pages. */
static void test_bounce_sync(struct kunit *test)
{
	struct device *dev = bouncing_device(test);
	size_t at = 2 * PAGE_SIZE - 40, len = 80;
	dma_addr_t addr;
	u8 *want, *seen;
	struct folio *folio = patterned_folio(test, &want, 3);

	seen = bounce(test, dev, folio_page(folio, 0), 0, LARGE_SIZE,
		      DMA_BIDIRECTIONAL, &addr);
	memset(want + at, 0x11, len);
	memcpy_to_folio(folio, at, want + at, len);
	dma_sync_single_range_for_device(dev, addr, at, len, DMA_BIDIRECTIONAL);
	KUNIT_EXPECT_MEMEQ(test, seen, want, LARGE_SIZE);

	memset(seen + at, 0x22, len);
	memset(want + at, 0x22, len);
	dma_sync_single_range_for_cpu(dev, addr, at, len, DMA_BIDIRECTIONAL);
	expect_contents(test, folio, want);
	dma_unmap_page(dev, addr, LARGE_SIZE, DMA_BIDIRECTIONAL);
	expect_contents(test, folio, want);
}

static void free_page_action(void *page)
{
	__free_page(page);
}

#define BLOCK_PAGES	BIT(PMD_ORDER)

/*
 * Keeps one page of twice a block, the last of the first half: the other half
 * is then the allocator's best choice for a new block of the cache.
 */
static struct page *page_before_block(struct kunit *test)
{
	struct page *page = alloc_pages(GFP_KERNEL, PMD_ORDER + 1);
	struct page *kept = page + BLOCK_PAGES - 1;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, page);
	split_page(page, PMD_ORDER + 1);
	for (i = 0; i < 2 * BLOCK_PAGES; i++) {
		if (page + i != kept)
			__free_page(page + i);
	}
	drain_all_pages(NULL);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test,
							   free_page_action,
							   kept));
	return kept;
}

static bool take_block(struct kunit *test, struct page *first)
{
	struct folio *folio;
	unsigned int i;

	for (i = 0; i < 16; i++) {
		folio = unmapped_folio_alloc(GFP_KERNEL, PMD_ORDER,
					     buffer_owner);
		if (!folio)
			break;
		kunit_keep_folio(test, folio);
		if (folio_page(folio, 0) == first)
			return true;
	}
	return false;
}

/* One piece of memory, whose first page is in the direct map. */
static void test_bounce_mixed(struct kunit *test)
{
	struct device *dev = bouncing_device(test);
	struct page *before = page_before_block(test);
	size_t offset = PAGE_SIZE - 100, len = 300;
	u8 *want = kunit_plain_buffer(test);
	u8 *got = kunit_plain_buffer(test);
	dma_addr_t addr;
	u8 *seen;

	if (!take_block(test, before + 1))
		kunit_skip(test, "the block is somewhere else");
	make_pattern(want, len, 4);
	memcpy_to_page(before, offset, want, 100);
	memcpy_to_page(before + 1, 0, want + 100, 200);
	seen = bounce(test, dev, before, offset, len, DMA_BIDIRECTIONAL, &addr);
	KUNIT_EXPECT_MEMEQ(test, seen, want, len);

	make_pattern(seen, len, 5);
	make_pattern(want, len, 5);
	dma_unmap_page(dev, addr, len, DMA_BIDIRECTIONAL);
	KUNIT_EXPECT_MEMEQ(test, page_address(before) + offset, want, 100);
	memcpy_from_page(got, before + 1, 0, 200);
	KUNIT_EXPECT_MEMEQ(test, got, want + 100, 200);
}

static void test_bounce_refused(struct kunit *test)
{
	struct device *dev = bouncing_device(test);

	KUNIT_EXPECT_FALSE(test, maps(dev, secret_page(test), 0, 64,
				      DMA_TO_DEVICE));
}

/*
 * virtio without the DMA API.
 */

#define RING_SIZE	8

static bool ignore_notify(struct virtqueue *vq)
{
	return true;
}

static void ignore_callback(struct virtqueue *vq)
{
}

static void del_virtqueue(void *vq)
{
	vring_del_virtqueue(vq);
}

static struct virtqueue *make_virtqueue(struct kunit *test)
{
	struct virtio_device *vdev = kunit_kzalloc(test, sizeof(*vdev),
						   GFP_KERNEL);
	struct folio *ring = kunit_ordinary_folio(test, LARGE_ORDER);
	struct virtqueue *vq;

	KUNIT_ASSERT_NOT_NULL(test, vdev);
	INIT_LIST_HEAD(&vdev->vqs);
	spin_lock_init(&vdev->vqs_list_lock);
	vdev->features = BIT_ULL(VIRTIO_F_VERSION_1);
	vq = vring_new_virtqueue(0, RING_SIZE, PAGE_SIZE, vdev, true, false,
				 folio_address(ring), ignore_notify,
				 ignore_callback, "test");
	KUNIT_ASSERT_NOT_NULL(test, vq);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, del_virtqueue, vq));
	__virtio_unbreak_device(vdev);
	return vq;
}

static int add_page(struct virtqueue *vq, struct page *page, bool out)
{
	struct scatterlist sg;

	sg_init_table(&sg, 1);
	sg_set_page(&sg, page, 64, 32);
	return out ? virtqueue_add_outbuf(vq, &sg, 1, page, GFP_KERNEL) :
		     virtqueue_add_inbuf(vq, &sg, 1, page, GFP_KERNEL);
}

static void test_virtio(struct kunit *test)
{
	struct page *secret = secret_page(test);
	struct page *page = buffer_page(test);
	struct virtqueue *vq;

	if (!IS_BUILTIN(CONFIG_VIRTIO))
		kunit_skip(test, "virtio is not built in");
	vq = make_virtqueue(test);
	/* Not -ENOMEM, after which a driver tries again */
	KUNIT_EXPECT_EQ(test, -EIO, add_page(vq, secret, true));
	KUNIT_EXPECT_EQ(test, -EIO, add_page(vq, secret, false));
	KUNIT_EXPECT_EQ(test, vq->num_free, RING_SIZE);

	KUNIT_EXPECT_EQ(test, 0, add_page(vq, page, true));
	KUNIT_EXPECT_EQ(test, 0, add_page(vq, page, false));
	KUNIT_EXPECT_EQ(test, vq->num_free, RING_SIZE - 2);

	start_errors(test);
	KUNIT_EXPECT_EQ(test, -EIO, add_page(vq, page, true));
	KUNIT_EXPECT_EQ(test, vq->num_free, RING_SIZE - 2);
}

static bool premaps(struct virtqueue *vq, struct page *page)
{
	dma_addr_t addr;

	addr = virtqueue_dma_map_single_attrs(vq, page_address(page), 64,
					      DMA_FROM_DEVICE, 0);
	return !virtqueue_dma_mapping_error(vq, addr);
}

static void test_virtio_premapped(struct kunit *test)
{
	struct page *secret = secret_page(test);
	struct page *page = buffer_page(test);
	struct virtqueue *vq;

	if (!IS_BUILTIN(CONFIG_VIRTIO))
		kunit_skip(test, "virtio is not built in");
	vq = make_virtqueue(test);
	KUNIT_EXPECT_FALSE(test, premaps(vq, secret));
	KUNIT_EXPECT_TRUE(test, premaps(vq, page));
	start_errors(test);
	KUNIT_EXPECT_FALSE(test, premaps(vq, page));
}

/*
 * USB. The endpoint has no packet size, so what gets past the hook ends with
 * -EMSGSIZE.
 */

static void free_urb(void *urb)
{
	usb_free_urb(urb);
}

static void ignore_completion(struct urb *urb)
{
}

static struct urb *make_urb(struct kunit *test, bool out)
{
	struct usb_host_endpoint *ep = kunit_kzalloc(test, sizeof(*ep),
						     GFP_KERNEL);
	struct usb_device *dev = kunit_kzalloc(test, sizeof(*dev), GFP_KERNEL);
	struct urb *urb = usb_alloc_urb(0, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, urb);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, free_urb, urb));
	KUNIT_ASSERT_NOT_NULL(test, dev);
	KUNIT_ASSERT_NOT_NULL(test, ep);
	dev->state = USB_STATE_CONFIGURED;
	dev->ep_in[1] = ep;
	dev->ep_out[1] = ep;
	ep->desc.bmAttributes = USB_ENDPOINT_XFER_BULK;
	ep->desc.bEndpointAddress = 1 | (out ? USB_DIR_OUT : USB_DIR_IN);
	usb_fill_bulk_urb(urb, dev, out ? usb_sndbulkpipe(dev, 1) :
					  usb_rcvbulkpipe(dev, 1),
			  NULL, 64, ignore_completion, NULL);
	return urb;
}

static int submit_page(struct urb *urb, struct page *page)
{
	urb->transfer_buffer = page_address(page) + 16;
	return usb_submit_urb(urb, GFP_KERNEL);
}

static void test_usb(struct kunit *test)
{
	struct page *secret = secret_page(test);
	struct page *page = buffer_page(test);
	struct urb *in, *out;

	if (!IS_BUILTIN(CONFIG_USB))
		kunit_skip(test, "USB is not built in");
	in = make_urb(test, false);
	out = make_urb(test, true);
	KUNIT_EXPECT_EQ(test, -EIO, submit_page(in, secret));
	KUNIT_EXPECT_EQ(test, -EIO, submit_page(out, secret));
	KUNIT_EXPECT_EQ(test, -EMSGSIZE, submit_page(in, page));
	KUNIT_EXPECT_EQ(test, -EMSGSIZE, submit_page(out, page));
	start_errors(test);
	KUNIT_EXPECT_EQ(test, -EIO, submit_page(in, page));
}

static void test_usb_sg(struct kunit *test)
{
	struct scatterlist sg[NR_SEGS];
	struct urb *urb;

	if (!IS_BUILTIN(CONFIG_USB))
		kunit_skip(test, "USB is not built in");
	urb = make_urb(test, true);
	urb->sg = sg;
	urb->num_sgs = NR_SEGS;
	fill_sg(test, sg, NR_SEGS - 1);
	KUNIT_EXPECT_EQ(test, -EIO, usb_submit_urb(urb, GFP_KERNEL));
	fill_sg(test, sg, -1);
	KUNIT_EXPECT_EQ(test, -EMSGSIZE, usb_submit_urb(urb, GFP_KERNEL));
}

/*
 * Bios, on a RAM disk that counts those that reach it.
 */

struct ramdisk {
	struct gendisk *disk;
	u8 *data;
	unsigned int bios;
};

/* As of a device, nothing is heard of a transfer that went wrong. */
static void copy_segment(struct bio_vec *bv, u8 *at, bool write)
{
	u8 *addr = kmap_local_page_try(bv->bv_page);

	if (IS_ERR(addr))
		return;
	if (write)
		memcpy(at, addr + bv->bv_offset, bv->bv_len);
	else
		memcpy(addr + bv->bv_offset, at, bv->bv_len);
	kunmap_local(addr);
}

static void ramdisk_submit_bio(struct bio *bio)
{
	struct ramdisk *ram = bio->bi_bdev->bd_disk->private_data;
	u8 *at = ram->data + (bio->bi_iter.bi_sector << SECTOR_SHIFT);
	struct bvec_iter iter;
	struct bio_vec bv;

	ram->bios++;
	bio_for_each_segment(bv, bio, iter) {
		copy_segment(&bv, at, op_is_write(bio_op(bio)));
		at += bv.bv_len;
	}
	bio_endio(bio);
}

static const struct block_device_operations ramdisk_ops = {
	.owner		= THIS_MODULE,
	.submit_bio	= ramdisk_submit_bio,
};

static void put_disk_action(void *disk)
{
	put_disk(disk);
}

static void del_gendisk_action(void *disk)
{
	del_gendisk(disk);
}

static struct ramdisk *make_ramdisk(struct kunit *test)
{
	struct ramdisk *ram = kunit_kzalloc(test, sizeof(*ram), GFP_KERNEL);
	struct gendisk *disk = blk_alloc_disk(NULL, NUMA_NO_NODE);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, disk);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, put_disk_action, disk));
	KUNIT_ASSERT_NOT_NULL(test, ram);
	ram->disk = disk;
	ram->data = kunit_plain_buffer(test);
	disk->flags = GENHD_FL_NO_PART;
	disk->fops = &ramdisk_ops;
	disk->private_data = ram;
	strscpy(disk->disk_name, "page_access", DISK_NAME_LEN);
	set_capacity(disk, LARGE_SIZE >> SECTOR_SHIFT);
	KUNIT_ASSERT_EQ(test, 0, add_disk(disk));
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test,
							   del_gendisk_action,
							   disk));
	ram->bios = 0;
	return ram;
}

/* Part of each page. -EIO is BLK_STS_IOERR, and no other status. */
static int transfer(struct ramdisk *ram, struct page **pages, unsigned int nr,
		    blk_opf_t opf)
{
	struct bio_vec bvecs[NR_SEGS];
	struct bio bio;
	unsigned int i;
	int err;

	bio_init(&bio, ram->disk->part0, bvecs, NR_SEGS, opf);
	for (i = 0; i < nr; i++)
		__bio_add_page(&bio, pages[i], 1024, 512);
	err = submit_bio_wait(&bio);
	bio_uninit(&bio);
	return err;
}

static void test_bio_refused(struct kunit *test)
{
	struct page *pages[NR_SEGS] = {
		kunit_ordinary_page(test), buffer_page(test), secret_page(test),
	};
	struct ramdisk *ram = make_ramdisk(test);

	KUNIT_EXPECT_EQ(test, -EIO,
			transfer(ram, pages, NR_SEGS, REQ_OP_WRITE));
	KUNIT_EXPECT_EQ(test, -EIO,
			transfer(ram, pages, NR_SEGS, REQ_OP_READ));
	KUNIT_EXPECT_EQ(test, -EIO,
			transfer(ram, pages + 2, 1, REQ_OP_READ));
	KUNIT_EXPECT_EQ(test, ram->bios, 0);
	KUNIT_EXPECT_NULL(test, memchr_inv(ram->data, 0, LARGE_SIZE));
	KUNIT_EXPECT_EQ(test, 0,
			transfer(ram, pages, 2, REQ_OP_WRITE));
	KUNIT_EXPECT_EQ(test, ram->bios, 1);
}

static void test_bio_allowed(struct kunit *test)
{
	struct folio *folio = kunit_owned_folio(test, LARGE_ORDER, buffer_owner);
	struct page *pages[NR_SEGS] = {
		folio_page(folio, 2), folio_page(folio, 0),
		folio_page(folio, 3),
	};
	struct ramdisk *ram = make_ramdisk(test);
	u8 *want = kunit_plain_buffer(test);
	u8 *got = kunit_plain_buffer(test);
	unsigned int i;

	make_pattern(want, 1024 * NR_SEGS, 5);
	for (i = 0; i < NR_SEGS; i++)
		memcpy_to_page(pages[i], 512, want + i * 1024, 1024);
	KUNIT_EXPECT_EQ(test, 0,
			transfer(ram, pages, NR_SEGS, REQ_OP_WRITE));
	KUNIT_EXPECT_MEMEQ(test, ram->data, want, 1024 * NR_SEGS);

	make_pattern(ram->data, 1024 * NR_SEGS, 6);
	KUNIT_EXPECT_EQ(test, 0,
			transfer(ram, pages, NR_SEGS, REQ_OP_READ));
	for (i = 0; i < NR_SEGS; i++)
		memcpy_from_page(got + i * 1024, pages[i], 512, 1024);
	KUNIT_EXPECT_MEMEQ(test, got, ram->data, 1024 * NR_SEGS);
	KUNIT_EXPECT_EQ(test, current->kmap_ctrl.idx, 0);
}

static void test_bio_error(struct kunit *test)
{
	struct page *page = buffer_page(test);
	struct page *plain = kunit_ordinary_page(test);
	struct ramdisk *ram = make_ramdisk(test);

	start_errors(test);
	KUNIT_EXPECT_EQ(test, -EIO,
			transfer(ram, &page, 1, REQ_OP_READ));
	KUNIT_EXPECT_EQ(test, ram->bios, 0);
	KUNIT_EXPECT_EQ(test, 0,
			transfer(ram, &plain, 1, REQ_OP_READ));
}

/* A discard has a size and no pages. */
static void test_bio_without_pages(struct kunit *test)
{
	struct ramdisk *ram = make_ramdisk(test);
	struct bio bio;

	bio_init(&bio, ram->disk->part0, NULL, 0, REQ_OP_DISCARD);
	bio.bi_iter.bi_size = PAGE_SIZE;
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, submit_bio_wait(&bio));
	bio_uninit(&bio);
}

/*
 * Requests that pass through, on a queue that never gets one.
 */

static blk_status_t queue_nothing(struct blk_mq_hw_ctx *hctx,
				  const struct blk_mq_queue_data *bd)
{
	return BLK_STS_IOERR;
}

static const struct blk_mq_ops nothing_ops = {
	.queue_rq	= queue_nothing,
};

static void free_tag_set(void *set)
{
	blk_mq_free_tag_set(set);
}

static void destroy_queue(void *q)
{
	blk_mq_destroy_queue(q);
	blk_put_queue(q);
}

static void free_request(void *rq)
{
	blk_mq_free_request(rq);
}

static struct request *make_request(struct kunit *test)
{
	struct blk_mq_tag_set *set = kunit_kzalloc(test, sizeof(*set),
						   GFP_KERNEL);
	struct request_queue *q;
	struct request *rq;

	KUNIT_ASSERT_NOT_NULL(test, set);
	KUNIT_ASSERT_EQ(test, 0,
			blk_mq_alloc_sq_tag_set(set, &nothing_ops, 2, 0));
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, free_tag_set, set));
	q = blk_mq_alloc_queue(set, NULL, NULL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, q);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, destroy_queue, q));
	rq = blk_mq_alloc_request(q, REQ_OP_DRV_OUT, 0);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, rq);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, free_request, rq));
	return rq;
}

/* The request takes @page, or an error. It is empty again then. */
static int append_page(struct request *rq, struct page *page)
{
	struct bio_vec bvec;
	struct bio bio;
	int err;

	bio_init(&bio, NULL, &bvec, 1, REQ_OP_DRV_OUT);
	__bio_add_page(&bio, page, 512, 0);
	err = blk_rq_append_bio(rq, &bio);
	if (rq->bio != (err ? NULL : &bio))
		err = -EBADE;
	rq->bio = NULL;
	bio_uninit(&bio);
	return err;
}

/* The pages of an iterator become the request's, as from io_uring. */
static int map_bvec(struct request *rq, struct page *page)
{
	struct bio_vec bvec;
	struct iov_iter iter;
	int err;

	bvec_set_page(&bvec, page, 512, 0);
	iov_iter_bvec(&iter, ITER_SOURCE, &bvec, 1, 512);
	err = blk_rq_map_user_iov(rq->q, rq, NULL, &iter, GFP_KERNEL);
	if (!err && rq->bio->bi_io_vec != &bvec)
		err = -EBADE;
	if (!err)
		blk_rq_unmap_user(rq->bio);
	rq->bio = NULL;
	return err;
}

static void test_passthrough(struct kunit *test)
{
	struct page *secret = secret_page(test);
	struct page *page = buffer_page(test);
	struct request *rq = make_request(test);

	KUNIT_EXPECT_EQ(test, -EACCES, append_page(rq, secret));
	KUNIT_EXPECT_EQ(test, 0, append_page(rq, page));
	KUNIT_EXPECT_EQ(test, -EACCES, map_bvec(rq, secret));
	KUNIT_EXPECT_EQ(test, 0, map_bvec(rq, page));
	start_errors(test);
	KUNIT_EXPECT_EQ(test, -EIO, append_page(rq, page));
	KUNIT_EXPECT_EQ(test, -EIO, map_bvec(rq, page));
}

/*
 * Packets.
 */

static const struct net_device_ops netdev_ops;

static void free_netdev_action(void *dev)
{
	free_netdev(dev);
}

static struct net_device *make_netdev(struct kunit *test)
{
	struct net_device *dev = alloc_netdev_dummy(0);

	KUNIT_ASSERT_NOT_NULL(test, dev);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, free_netdev_action,
						  dev));
	dev->netdev_ops = &netdev_ops;
	dev->features = NETIF_F_SG | NETIF_F_FRAGLIST;
	return dev;
}

static struct sk_buff *make_skb(struct kunit *test, struct net_device *dev,
				struct page *page)
{
	struct sk_buff *skb = alloc_skb(128, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, skb);
	skb->dev = dev;
	skb->protocol = htons(ETH_P_IP);
	skb_put_zero(skb, 64);
	get_page(page);
	skb_add_rx_frag(skb, 0, page, 32, 1000, PAGE_SIZE);
	return skb;
}

/* Is @skb still there when it is ready to be sent? It is not afterwards. */
static bool sends(struct sk_buff *skb)
{
	bool again;
	struct sk_buff *out = validate_xmit_skb_list(skb, skb->dev, &again);

	kfree_skb(out);
	return out;
}

static u64 tx_dropped(struct net_device *dev)
{
	struct rtnl_link_stats64 stats;

	dev_get_stats(dev, &stats);
	return stats.tx_dropped;
}

static void test_skb(struct kunit *test)
{
	struct net_device *dev = make_netdev(test);
	struct page *secret = secret_page(test);
	struct page *page = buffer_page(test);

	KUNIT_EXPECT_FALSE(test, sends(make_skb(test, dev, secret)));
	KUNIT_EXPECT_EQ(test, tx_dropped(dev), 1);
	KUNIT_EXPECT_EQ(test, page_count(secret), 1);
	KUNIT_EXPECT_TRUE(test, sends(make_skb(test, dev, page)));
	KUNIT_EXPECT_EQ(test, tx_dropped(dev), 1);
	KUNIT_EXPECT_EQ(test, page_count(page), 1);

	start_errors(test);
	KUNIT_EXPECT_FALSE(test, sends(make_skb(test, dev, page)));
	KUNIT_EXPECT_EQ(test, tx_dropped(dev), 2);
}

/* The second page, and one of a packet in the list. */
static void test_skb_all_frags(struct kunit *test)
{
	struct net_device *dev = make_netdev(test);
	struct page *secret = secret_page(test);
	struct page *page = buffer_page(test);
	struct sk_buff *skb = make_skb(test, dev, page);
	struct sk_buff *part;

	get_page(secret);
	skb_add_rx_frag(skb, 1, secret, 0, 100, PAGE_SIZE);
	KUNIT_EXPECT_FALSE(test, sends(skb));

	skb = make_skb(test, dev, page);
	part = make_skb(test, dev, secret);
	skb_shinfo(skb)->frag_list = part;
	skb->len += part->len;
	skb->data_len += part->len;
	KUNIT_EXPECT_FALSE(test, sends(skb));
	KUNIT_EXPECT_EQ(test, page_count(secret), 1);
	KUNIT_EXPECT_EQ(test, page_count(page), 1);
}

struct seen_drop {
	struct sk_buff *skb;
	enum skb_drop_reason reason;
};

static void see_drop(void *data, struct sk_buff *skb, void *location,
		     enum skb_drop_reason reason, struct sock *rx_sk)
{
	struct seen_drop *seen = data;

	if (skb == seen->skb)
		seen->reason = reason;
}

static void test_skb_reason(struct kunit *test)
{
	struct net_device *dev = make_netdev(test);
	struct seen_drop seen = { };

	if (register_trace_kfree_skb(see_drop, &seen))
		kunit_skip(test, "no tracepoints");
	seen.skb = make_skb(test, dev, secret_page(test));
	sends(seen.skb);
	unregister_trace_kfree_skb(see_drop, &seen);
	tracepoint_synchronize_unregister();
	KUNIT_EXPECT_EQ(test, seen.reason, SKB_DROP_REASON_INACCESSIBLE);
}

/*
 * Swap. No swap is needed to be refused.
 */

static void expect_kept(struct kunit *test, struct folio *folio, int err)
{
	struct writeback_control wbc = { };

	folio_lock(folio);
	KUNIT_EXPECT_EQ(test, err, swap_writepage(folio_page(folio, 0), &wbc));
	KUNIT_EXPECT_TRUE(test, folio_test_dirty(folio));
	KUNIT_EXPECT_FALSE(test, folio_test_locked(folio));
	KUNIT_EXPECT_FALSE(test, folio_test_writeback(folio));
	folio_clear_dirty(folio);
}

static void test_swap(struct kunit *test)
{
	struct folio *secret = kunit_owned_folio(test, 0, secret_owner);
	struct folio *folio = kunit_owned_folio(test, 0, buffer_owner);

	expect_kept(test, secret, -EACCES);
	expect_kept(test, folio_with_mark(test, LARGE_ORDER - 1), -EACCES);
	start_errors(test);
	expect_kept(test, folio, -EIO);
}

/*
 * Slots run out when they are asked to.
 */

static void test_slot_error(struct kunit *test)
{
	struct page *page = buffer_page(test);
	struct page *plain = kunit_ordinary_page(test);
	void *addr;

	start_errors(test);
	KUNIT_EXPECT_EQ(test, -EBUSY, PTR_ERR(kmap_local_page_try(page)));
	KUNIT_EXPECT_NULL(test, page_access_map(page));
	KUNIT_EXPECT_PTR_EQ(test, kmap_local_page_try(plain),
			    page_address(plain));
	/* Who cannot fail does not */
	addr = kmap_local_page(page);
	KUNIT_EXPECT_TRUE(test, is_kmap_addr(addr));
	kunmap_local(addr);
	stop_errors(NULL);
	addr = kmap_local_page_try(page);
	KUNIT_EXPECT_TRUE(test, is_kmap_addr(addr));
	if (!IS_ERR(addr))
		kunmap_local(addr);
	KUNIT_EXPECT_EQ(test, current->kmap_ctrl.idx, 0);
}

static struct kunit_case dma_cases[] = {
	KUNIT_CASE(test_page_refused),
	KUNIT_CASE(test_page_allowed),
	KUNIT_CASE(test_range),
	KUNIT_CASE(test_range_helpers),
	KUNIT_CASE(test_no_page),
	KUNIT_CASE(test_sg_refused),
	KUNIT_CASE(test_sgtable_refused),
	KUNIT_CASE(test_sg_allowed),
	KUNIT_CASE(test_map_error),
	KUNIT_CASE(test_bounce_out),
	KUNIT_CASE(test_bounce_in),
	KUNIT_CASE(test_bounce_sync),
	KUNIT_CASE(test_bounce_mixed),
	KUNIT_CASE(test_bounce_refused),
	KUNIT_CASE(test_virtio),
	KUNIT_CASE(test_virtio_premapped),
	KUNIT_CASE(test_usb),
	KUNIT_CASE(test_usb_sg),
	KUNIT_CASE(test_bio_refused),
	KUNIT_CASE(test_bio_allowed),
	KUNIT_CASE(test_bio_error),
	KUNIT_CASE(test_bio_without_pages),
	KUNIT_CASE(test_passthrough),
	KUNIT_CASE(test_skb),
	KUNIT_CASE(test_skb_all_frags),
	KUNIT_CASE(test_skb_reason),
	KUNIT_CASE(test_swap),
	KUNIT_CASE(test_slot_error),
	{}
};

static struct kunit_suite dma_suite = {
	.name = "page_access_dma",
	.init = kunit_make_owners,
	.exit = kunit_drop_owners,
	.test_cases = dma_cases,
};

kunit_test_suite(dma_suite);
