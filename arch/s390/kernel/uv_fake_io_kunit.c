// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of I/O on pages of protected guests, on the fake Ultravisor.
 *
 * Drivers of s390 give physical addresses to channel programs and queues, and
 * no DMA mapping hears of it. The device here is what they see: it is told of
 * the pages of a bio, and looks at what a real one would run into.
 */

#include <kunit/test.h>

#include <linux/bio.h>
#include <linux/blk-mq.h>
#include <linux/blkdev.h>
#include <linux/highmem.h>
#include <linux/if_ether.h>
#include <linux/mm.h>
#include <linux/netdevice.h>
#include <linux/page_access.h>
#include <linux/pagemap.h>
#include <linux/set_memory.h>
#include <linux/shmem_fs.h>
#include <linux/skbuff.h>

#include <asm/uv.h>

#define NR_PAGES	4

struct io_test {
	struct gendisk *disk;
	bool added;
	struct file *file;
	struct folio *folios[NR_PAGES];
	/* What the device saw: bios, pages, and what is wrong with them */
	unsigned int bios;
	unsigned int pages;
	unsigned int secure;
	unsigned int not_pending;
	/* How the last bio ended */
	int err;
};

/*
 * The device
 */

static void device_sees(struct io_test *io, struct folio *folio)
{
	io->pages++;
	io->secure += uv_fake_secure(folio) ||
		      !kernel_page_present(&folio->page);
	io->not_pending += !folio_test_writeback(folio) &&
			   folio_ref_count(folio) <=
			   folio_expected_ref_count(folio);
}

static void device_submit(struct bio *bio)
{
	struct io_test *io = bio->bi_bdev->bd_disk->private_data;
	struct folio_iter fi;

	io->bios++;
	bio_for_each_folio_all(fi, bio)
		device_sees(io, fi.folio);
	bio_endio(bio);
}

static const struct block_device_operations device_ops = {
	.submit_bio	= device_submit,
};

static void make_device(struct kunit *test, struct io_test *io)
{
	io->disk = blk_alloc_disk(NULL, NUMA_NO_NODE);
	KUNIT_ASSERT_FALSE(test, IS_ERR(io->disk));
	io->disk->fops = &device_ops;
	io->disk->private_data = io;
	io->disk->flags = GENHD_FL_NO_PART;
	strscpy(io->disk->disk_name, "uv_fake");
	set_capacity(io->disk, NR_PAGES * PAGE_SECTORS);
	io->added = !add_disk(io->disk);
	KUNIT_ASSERT_TRUE(test, io->added);
}

/*
 * The pages, of a file
 */

static void make_folio(struct kunit *test, struct io_test *io, unsigned int nr)
{
	struct folio *folio = shmem_read_folio(io->file->f_mapping, nr);

	KUNIT_ASSERT_FALSE(test, IS_ERR(folio));
	memset_page(&folio->page, 0, nr + 1, PAGE_SIZE);
	folio_put(folio);
	KUNIT_ASSERT_EQ(test, 0, uv_fake_prepare(folio));
	io->folios[nr] = folio;
}

static void make_folios(struct kunit *test, struct io_test *io)
{
	unsigned int nr;

	io->file = shmem_file_setup("uv_fake_io", NR_PAGES * PAGE_SIZE, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(io->file));
	for (nr = 0; nr < NR_PAGES; nr++)
		make_folio(test, io, nr);
}

static void secure_all(struct kunit *test)
{
	struct io_test *io = test->priv;
	unsigned int nr;

	for (nr = 0; nr < NR_PAGES; nr++)
		KUNIT_ASSERT_EQ(test, 0, uv_fake_import(io->folios[nr]));
}

/* Under writeback, or with a reference as direct I/O has one. */
static void mark_pending(struct folio *folio, bool writeback)
{
	if (!writeback) {
		folio_get(folio);
		return;
	}
	folio_lock(folio);
	folio_start_writeback(folio);
	folio_unlock(folio);
}

static void drop_pending(struct folio *folio, bool writeback)
{
	if (writeback)
		folio_end_writeback(folio);
	else
		folio_put(folio);
}

/* One bio with all the pages. */
static void do_io(struct io_test *io, blk_opf_t opf)
{
	struct bio_vec bvecs[NR_PAGES];
	unsigned int nr;
	struct bio bio;

	bio_init(&bio, io->disk->part0, bvecs, NR_PAGES, opf);
	for (nr = 0; nr < NR_PAGES; nr++)
		bio_add_folio_nofail(&bio, io->folios[nr], PAGE_SIZE, 0);
	submit_bio_wait(&bio);
	io->err = blk_status_to_errno(bio.bi_status);
	bio_uninit(&bio);
}

static void expect_stats(struct kunit *test, unsigned long exports,
			 unsigned long refused)
{
	struct uv_fake_stats stats;

	uv_fake_get_stats(&stats);
	KUNIT_EXPECT_EQ(test, stats.exports, exports);
	KUNIT_EXPECT_EQ(test, stats.refused, refused);
	KUNIT_EXPECT_EQ(test, stats.useless, 0);
	KUNIT_EXPECT_EQ(test, stats.unguarded, 0);
}

/* Mark pending, call, I/O, drop. */
static void io_in_order(struct kunit *test, blk_opf_t opf, bool writeback)
{
	struct io_test *io = test->priv;
	unsigned int nr;

	secure_all(test);
	for (nr = 0; nr < NR_PAGES; nr++)
		mark_pending(io->folios[nr], writeback);
	/* Nobody has reached the contents yet */
	expect_stats(test, 0, 0);
	do_io(io, opf);
	KUNIT_EXPECT_EQ(test, io->err, 0);
	KUNIT_EXPECT_EQ(test, io->bios, 1);
	KUNIT_EXPECT_EQ(test, io->pages, NR_PAGES);
	KUNIT_EXPECT_EQ(test, io->secure, 0);
	KUNIT_EXPECT_EQ(test, io->not_pending, 0);
	expect_stats(test, NR_PAGES, 0);
	for (nr = 0; nr < NR_PAGES; nr++)
		KUNIT_EXPECT_NE(test, uv_fake_import(io->folios[nr]), 0);
	for (nr = 0; nr < NR_PAGES; nr++)
		drop_pending(io->folios[nr], writeback);
	/* The guest has its pages again */
	secure_all(test);
}

static void test_write(struct kunit *test)
{
	io_in_order(test, REQ_OP_WRITE, true);
}

static void test_direct_write(struct kunit *test)
{
	io_in_order(test, REQ_OP_WRITE, false);
}

static void test_direct_read(struct kunit *test)
{
	io_in_order(test, REQ_OP_READ, false);
}

/* The device hears nothing, and the status is an error. */
static void refused(struct kunit *test, blk_opf_t opf)
{
	struct io_test *io = test->priv;
	unsigned int nr;

	for (nr = 0; nr < NR_PAGES; nr++) {
		secure_all(test);
		uv_fake_refuse(io->folios[nr], true);
		folio_get(io->folios[nr]);
		do_io(io, opf);
		folio_put(io->folios[nr]);
		KUNIT_EXPECT_EQ(test, io->err, -EIO);
		KUNIT_EXPECT_EQ(test, io->bios, 0);
		KUNIT_EXPECT_TRUE(test, uv_fake_secure(io->folios[nr]));
		uv_fake_reset();
	}
}

static void test_write_refused(struct kunit *test)
{
	refused(test, REQ_OP_WRITE);
}

static void test_read_refused(struct kunit *test)
{
	refused(test, REQ_OP_READ);
}

/* Ordinary pages, and bios without any, are none of the Ultravisor's. */
static void test_ordinary(struct kunit *test)
{
	struct io_test *io = test->priv;
	unsigned int nr;

	for (nr = 0; nr < NR_PAGES; nr++)
		mark_pending(io->folios[nr], false);
	do_io(io, REQ_OP_WRITE);
	KUNIT_EXPECT_EQ(test, io->err, 0);
	KUNIT_EXPECT_EQ(test, io->pages, NR_PAGES);
	for (nr = 0; nr < NR_PAGES; nr++)
		drop_pending(io->folios[nr], false);
	expect_stats(test, 0, 0);
}

/*
 * SCSI commands of user space, which zFCP has without a submit_bio().
 */

static blk_status_t queue_nothing(struct blk_mq_hw_ctx *hctx,
				  const struct blk_mq_queue_data *bd)
{
	return BLK_STS_IOERR;
}

static const struct blk_mq_ops nothing_ops = {
	.queue_rq	= queue_nothing,
};

/* A request of that queue takes the folio, or an error; it is not issued. */
static int append(struct request_queue *q, struct folio *folio)
{
	struct request *rq = blk_mq_alloc_request(q, REQ_OP_DRV_OUT, 0);
	struct bio_vec bvec;
	struct bio bio;
	int err;

	if (IS_ERR(rq))
		return PTR_ERR(rq);
	bio_init(&bio, NULL, &bvec, 1, REQ_OP_DRV_OUT);
	bio_add_folio_nofail(&bio, folio, PAGE_SIZE, 0);
	err = blk_rq_append_bio(rq, &bio);
	rq->bio = NULL;
	blk_mq_free_request(rq);
	bio_uninit(&bio);
	return err;
}

static void pass_through(struct kunit *test, struct request_queue *q)
{
	struct io_test *io = test->priv;
	struct folio *folio = io->folios[0];

	secure_all(test);
	folio_get(folio);
	KUNIT_EXPECT_EQ(test, append(q, folio), 0);
	KUNIT_EXPECT_FALSE(test, uv_fake_secure(folio));
	folio_put(folio);
	expect_stats(test, 1, 0);

	secure_all(test);
	uv_fake_refuse(folio, true);
	folio_get(folio);
	KUNIT_EXPECT_NE(test, append(q, folio), 0);
	KUNIT_EXPECT_TRUE(test, uv_fake_secure(folio));
	folio_put(folio);
}

static void test_passthrough(struct kunit *test)
{
	struct blk_mq_tag_set *set = kunit_kzalloc(test, sizeof(*set),
						   GFP_KERNEL);
	struct request_queue *q;

	KUNIT_ASSERT_NOT_NULL(test, set);
	KUNIT_ASSERT_EQ(test, 0,
			blk_mq_alloc_sq_tag_set(set, &nothing_ops, 2, 0));
	q = blk_mq_alloc_queue(set, NULL, NULL);
	KUNIT_EXPECT_FALSE(test, IS_ERR(q));
	if (!IS_ERR(q)) {
		pass_through(test, q);
		blk_mq_destroy_queue(q);
		blk_put_queue(q);
	}
	blk_mq_free_tag_set(set);
}

/*
 * Packets, whose pages qeth gives to its adapter by their physical address.
 */

static const struct net_device_ops net_ops;

/* What the driver gets of a packet with the folio in it. */
static struct sk_buff *send(struct net_device *dev, struct folio *folio)
{
	struct sk_buff *skb = alloc_skb(128, GFP_KERNEL);
	bool again;

	if (!skb)
		return NULL;
	skb->dev = dev;
	skb->protocol = htons(ETH_P_IP);
	skb_put_zero(skb, 64);
	folio_get(folio);
	skb_add_rx_frag(skb, 0, &folio->page, 0, PAGE_SIZE, PAGE_SIZE);
	return validate_xmit_skb_list(skb, dev, &again);
}

static void test_packet(struct kunit *test)
{
	struct net_device *dev = alloc_netdev_dummy(0);
	struct io_test *io = test->priv;
	struct sk_buff *skb;

	KUNIT_ASSERT_NOT_NULL(test, dev);
	dev->netdev_ops = &net_ops;
	dev->features = NETIF_F_SG;

	secure_all(test);
	skb = send(dev, io->folios[0]);
	KUNIT_EXPECT_NOT_NULL(test, skb);
	device_sees(io, io->folios[0]);
	KUNIT_EXPECT_EQ(test, io->secure, 0);
	KUNIT_EXPECT_EQ(test, io->not_pending, 0);
	expect_stats(test, 1, 0);
	kfree_skb(skb);

	/* The guest has its page again, and does not let it go */
	secure_all(test);
	uv_fake_refuse(io->folios[0], true);
	KUNIT_EXPECT_NULL(test, send(dev, io->folios[0]));
	KUNIT_EXPECT_TRUE(test, uv_fake_secure(io->folios[0]));
	free_netdev(dev);
}

static int io_init(struct kunit *test)
{
	struct io_test *io;

	if (!uv_fake_active())
		kunit_skip(test, "boot with uv_fake");
	io = kunit_kzalloc(test, sizeof(*io), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, io);
	test->priv = io;
	make_device(test, io);
	make_folios(test, io);
	uv_fake_reset();
	return 0;
}

static void io_exit(struct kunit *test)
{
	struct io_test *io = test->priv;

	if (!io)
		return;
	uv_fake_reset();
	if (!IS_ERR_OR_NULL(io->file))
		fput(io->file);
	if (io->added)
		del_gendisk(io->disk);
	if (!IS_ERR_OR_NULL(io->disk))
		put_disk(io->disk);
}

static struct kunit_case io_cases[] = {
	KUNIT_CASE(test_write),
	KUNIT_CASE(test_direct_write),
	KUNIT_CASE(test_direct_read),
	KUNIT_CASE(test_write_refused),
	KUNIT_CASE(test_read_refused),
	KUNIT_CASE(test_ordinary),
	KUNIT_CASE(test_passthrough),
	KUNIT_CASE(test_packet),
	{}
};

static struct kunit_suite io_suite = {
	.name = "uv_fake_io",
	.init = io_init,
	.exit = io_exit,
	.test_cases = io_cases,
};

kunit_test_suite(io_suite);
