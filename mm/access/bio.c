// SPDX-License-Identifier: GPL-2.0
/*
 * Before a block device reaches the pages of a bio.
 *
 * Most drivers map them for DMA, where the owner would be asked as well. DASD
 * and zFCP use physical addresses, RAM disks copy, stacked devices pass on.
 * A bio can also fail for good, while drivers often take a mapping that fails
 * for a shortage, and try again.
 */

#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/dma-map-ops.h>
#include <linux/iommu-dma.h>
#include <linux/page_access_dma.h>

/*
 * The device that does DMA for a disk is the first above it that can. If there
 * is none, nobody does. Requests that pass through name no disk.
 */
static bool bio_maps_direct(const struct bio *bio)
{
	struct device *dev;

	if (!bio->bi_bdev)
		return false;
	dev = disk_to_dev(bio->bi_bdev->bd_disk)->parent;
	while (dev && !dev->dma_mask)
		dev = dev->parent;
	return !dev || (!use_dma_iommu(dev) && !get_dma_ops(dev));
}

int __page_access_prepare_bio(struct bio *bio)
{
	enum dma_data_direction dir = op_is_write(bio_op(bio)) ?
				      DMA_TO_DEVICE : DMA_FROM_DEVICE;
	struct bvec_iter iter;
	struct bio_vec bv;
	bool plain;
	int err;

	if (!bio_has_data(bio))
		return 0;
	bio_for_each_bvec(bv, bio, iter) {
		plain = page_inaccessible(bv.bv_page) && !bio_maps_direct(bio);
		err = __page_access_prepare_dma(bv.bv_page, bv.bv_offset,
						bv.bv_len, dir, plain);
		if (err)
			return err;
	}
	return 0;
}
