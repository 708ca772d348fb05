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
#include <linux/page_access_dma.h>

int __page_access_prepare_bio(struct bio *bio)
{
	enum dma_data_direction dir = op_is_write(bio_op(bio)) ?
				      DMA_TO_DEVICE : DMA_FROM_DEVICE;
	struct bvec_iter iter;
	struct bio_vec bv;
	int err;

	if (!bio_has_data(bio))
		return 0;
	bio_for_each_bvec(bv, bio, iter) {
		err = __page_access_prepare_dma(bv.bv_page, bv.bv_offset,
						bv.bv_len, dir);
		if (err)
			return err;
	}
	return 0;
}
