// SPDX-License-Identifier: GPL-2.0
/*
 * Memory goes back to the system.
 *
 * Frees happen in contexts that must not change the direct map, so a work item
 * returns what a free leaves over: a node keeps one empty block, for the next
 * user, and for some seconds others that remember a key. Under memory pressure
 * a shrinker takes these as well.
 *
 * Free pages beside used ones in a whole block are charged to nobody. A second
 * shrinker, reluctant, takes blocks that are at least half free. Where the used
 * pages can move it empties them (compact.c); others it splits and returns their
 * free pages one by one, at the cost of a leaf of the direct map: that is still
 * better than to swap or to kill. So no more free memory than what is used is out
 * of reclaim's reach.
 *
 * Before memory is taken offline, and before hibernation (hibernate.c), all
 * empty blocks are returned. Pages in use make both fail with -EBUSY: neither an offline
 * page nor an image can do without the direct map. Poisoned pages do not keep
 * memory online: nobody reads them any more.
 */

#define pr_fmt(fmt) "unmapped_alloc: " fmt

#include <kunit/visibility.h>
#include <linux/delay.h>
#include <linux/memory.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/pagevec.h>
#include <linux/page_access.h>
#include <linux/shrinker.h>
#include <linux/vmstat.h>

#include "../internal.h"
#include "unmapped.h"

/*
 * Whole blocks.
 */

static bool restore_block(struct unmapped_block *block, struct page *page)
{
	struct unmapped_page all = { block };

	return unmapped_key_drop(&all, UNMAPPED_BLOCK_PAGES) &&
	       unmapped_clear_dirty(&all, UNMAPPED_BLOCK_PAGES) &&
	       !WARN_ON_ONCE(unmapped_restore(page, UNMAPPED_BLOCK_PAGES));
}

/*
 * The block stays if a page is poisoned, somebody looks at one, or the caller
 * holds all slots that could clear one.
 */
static bool return_block(struct unmapped_block *block)
{
	struct page *page = pfn_to_page(block->pfn);

	if (unmapped_poisoned(page, UNMAPPED_BLOCK_PAGES) ||
	    !unmapped_freeze_tails(page, UNMAPPED_BLOCK_PAGES))
		goto push_back;
	if (!restore_block(block, page))
		goto unfreeze;

	count_vm_event(UNMAPPED_RETURN);
	unmapped_node_drop_pages(block, UNMAPPED_BLOCK_PAGES);
	unmapped_change_page_owner(page, UNMAPPED_BLOCK_ORDER, GFP_NOWAIT);
	__free_pages(page, UNMAPPED_BLOCK_ORDER);
	return true;

unfreeze:
	unmapped_unfreeze_tails(page, UNMAPPED_BLOCK_PAGES);
push_back:
	unmapped_node_push(block);
	return false;
}

/* One that cannot go now does not keep those behind it. */
static unsigned long return_empty(struct unmapped_node *node,
				  unsigned long keep, unsigned long nr)
{
	unsigned long tries = READ_ONCE(node->nr_blocks[UNMAPPED_EMPTY]);
	struct unmapped_block *block;
	unsigned long done = 0;

	while (done < nr && tries--) {
		block = unmapped_node_pop_empty(node, keep);
		if (!block)
			break;
		if (return_block(block))
			done += UNMAPPED_BLOCK_PAGES;
	}
	return done;
}

/*
 * Pieces of split blocks.
 */

static bool can_return(struct unmapped_block *block, unsigned int i)
{
	struct unmapped_page p = { block, i };

	return !PageHWPoison(unmapped_page(&p)) &&
	       unmapped_key_drop(&p, 1) && unmapped_clear_dirty(&p, 1);
}

/* How many pages can be returned at once, from @start on. */
static unsigned int run_length(struct unmapped_block *block,
			       const unsigned long *pages, unsigned int start)
{
	unsigned int end = start;

	while (end < UNMAPPED_BLOCK_PAGES && test_bit(end, pages) &&
	       can_return(block, end))
		end++;
	return end - start;
}

/* Moves the pages that cannot be returned now from @pages to @left. */
static unsigned int restore_pages(struct unmapped_block *block,
				  unsigned long *pages, unsigned long *left)
{
	struct page *page = pfn_to_page(block->pfn);
	unsigned int i, len, nr = 0;

	for_each_set_bit(i, pages, UNMAPPED_BLOCK_PAGES) {
		len = run_length(block, pages, i);
		if (likely(len && !unmapped_restore(page + i, len))) {
			nr += len;
			i += len - 1;
			continue;
		}
		__clear_bit(i, pages);
		__set_bit(i, left);
	}
	return nr;
}

/* To those who look at one it is an ordinary page now. */
static void free_pages_of(unsigned long pfn, const unsigned long *pages)
{
	struct page *page = pfn_to_page(pfn);
	struct folio_batch batch;
	unsigned int i;

	folio_batch_init(&batch);
	for_each_set_bit(i, pages, UNMAPPED_BLOCK_PAGES)
		if (put_page_testzero(page + i) &&
		    !folio_batch_add(&batch, page_folio(page + i)))
			free_unref_folios(&batch);
	if (folio_batch_count(&batch))
		free_unref_folios(&batch);
}

static unsigned int return_pages(struct unmapped_block *block,
				 unsigned long *pages)
{
	DECLARE_BITMAP(left, UNMAPPED_BLOCK_PAGES) = { };
	unsigned long pfn = block->pfn;
	unsigned int nr;

	nr = restore_pages(block, pages, left);
	count_vm_events(UNMAPPED_RETURN, nr);
	/* The block may be gone with this, before the system has its pages */
	unmapped_node_push_leaving(block, left, nr);
	free_pages_of(pfn, pages);
	return nr;
}

/* How long memory that could not be returned waits for the next attempt. */
#define RETURN_RETRY	HZ

static void retry_later(struct unmapped_node *node)
{
	queue_delayed_work(system_unbound_wq, &node->return_work,
			   RETURN_RETRY);
}

/* There is no slot, or no page table: the next block would meet the same. */
#define RETURN_FAILURES	16

static unsigned long return_leaving(struct unmapped_node *node,
				    unsigned long nr)
{
	DECLARE_BITMAP(pages, UNMAPPED_BLOCK_PAGES);
	struct unmapped_block *block;
	unsigned int got, failures = 0;
	unsigned long done = 0;

	while (done < nr && failures < RETURN_FAILURES) {
		block = unmapped_node_pop_leaving(node, pages);
		if (!block)
			return done;
		got = return_pages(block, pages);
		failures += !got;
		done += got;
	}
	if (failures)
		retry_later(node);
	return done;
}

/**
 * unmapped_return() - Return free memory of a node to the system
 * @node: The node.
 * @keep: Leave this many empty blocks.
 * @nr: Stop after this many pages.
 *
 * Context: Process context; may be called from reclaim.
 * Return: Number of pages returned.
 */
unsigned long unmapped_return(struct unmapped_node *node, unsigned long keep,
			      unsigned long nr)
{
	unsigned long done = return_empty(node, keep, nr);

	/* Those that have poison in them have just joined the others */
	return done + return_leaving(node, nr - min(done, nr));
}

/**
 * unmapped_return_sparse() - Return free pages of used blocks to the system
 * @node: The node.
 * @nr: Stop after this many pages.
 *
 * Context: Process context; may be called from reclaim.
 * Return: Number of pages returned.
 */
unsigned long unmapped_return_sparse(struct unmapped_node *node,
				     unsigned long nr)
{
	unsigned long got, done = 0;

	while (done < nr && unmapped_node_split_sparse(node)) {
		got = return_leaving(node, UNMAPPED_BLOCK_PAGES);
		if (!got)
			break;
		done += got;
	}
	return done;
}

static unsigned long blocks_in(struct unmapped_node *node, unsigned int bucket)
{
	return READ_ONCE(node->nr_blocks[bucket]);
}

/*
 * To return a page that remembers a key takes a write-back of the caches, and
 * its next use with a key another one. So while there are such pages blocks go
 * back slowly, half of them in a second: processes that come and go find their
 * key again, and what nobody uses any more is gone after some seconds.
 */
static unsigned long blocks_to_keep(struct unmapped_node *node)
{
	if (!unmapped_key_total())
		return 1;
	return max(1UL, DIV_ROUND_UP(blocks_in(node, UNMAPPED_EMPTY), 2));
}

void unmapped_return_work(struct work_struct *work)
{
	struct unmapped_node *node = container_of(to_delayed_work(work),
						  struct unmapped_node,
						  return_work);
	unsigned long keep = blocks_to_keep(node);

	while (unmapped_return(node, keep, UNMAPPED_BLOCK_PAGES))
		cond_resched();
	if (unmapped_node_excess(node))
		retry_later(node);
}

/*
 * All of it, for those who cannot do with memory outside the direct map.
 */

/**
 * unmapped_drain() - Return all that nobody uses to the system
 *
 * Context: Process context, may sleep.
 * Return: Number of pages that stay outside the direct map.
 */
unsigned long unmapped_drain(void)
{
	int nid;

	for_each_node(nid) {
		unmapped_front_drain(nid);
		unmapped_return(unmapped_nodes[nid], 0, ULONG_MAX);
		/* It may have a block in its hands */
		flush_delayed_work(&unmapped_nodes[nid]->return_work);
	}
	return unmapped_total_pages();
}

#define DRAIN_TRIES	5
#define DRAIN_WAIT_MS	10

/**
 * unmapped_drain_patiently() - Return all empty blocks, in several attempts
 *
 * Who looks at a page in passing has a reference, and reclaim may have a block
 * in its hands. Neither is a reason to refuse what was asked for.
 *
 * Context: Process context, sleeps.
 * Return: As unmapped_drain().
 */
unsigned long unmapped_drain_patiently(void)
{
	unsigned long left = unmapped_drain();
	int i;

	for (i = 1; left && i < DRAIN_TRIES; i++) {
		msleep(DRAIN_WAIT_MS);
		left = unmapped_drain();
	}
	return left;
}

/*
 * Shrinkers: what is free as it is, and what is free at a price.
 */

static unsigned long count_free(struct shrinker *shrinker,
				struct shrink_control *sc)
{
	struct unmapped_node *node = unmapped_nodes[sc->nid];

	return READ_ONCE(node->nr_leaving) + unmapped_front_pages(sc->nid) +
	       blocks_in(node, UNMAPPED_EMPTY) * UNMAPPED_BLOCK_PAGES ?:
	       SHRINK_EMPTY;
}

static unsigned long scan_free(struct shrinker *shrinker,
			       struct shrink_control *sc)
{
	unmapped_front_drain(sc->nid);
	sc->nr_scanned = unmapped_return(unmapped_nodes[sc->nid], 0,
					 sc->nr_to_scan);
	return sc->nr_scanned ?: SHRINK_STOP;
}

static unsigned long count_sparse(struct shrinker *shrinker,
				  struct shrink_control *sc)
{
	return blocks_in(unmapped_nodes[sc->nid], UNMAPPED_SPARSE) *
	       (UNMAPPED_BLOCK_PAGES / 2) ?: SHRINK_EMPTY;
}

static unsigned long scan_sparse(struct shrinker *shrinker,
				 struct shrink_control *sc)
{
	struct unmapped_node *node = unmapped_nodes[sc->nid];
	unsigned long done = 0;

	unmapped_front_drain(sc->nid);
	/* What holds a lock of a file system may hold what pages are moved by */
	if ((sc->gfp_mask & __GFP_FS) && unmapped_compact(node, sc->nr_to_scan))
		done = unmapped_return(node, 0, sc->nr_to_scan);
	sc->nr_scanned = done ?: unmapped_return_sparse(node, sc->nr_to_scan);
	return sc->nr_scanned ?: SHRINK_STOP;
}

/*
 * Memory hotplug.
 */

static struct page *block_in_range(const struct memory_notify *range,
				   unsigned long i)
{
	unsigned long pfn = ALIGN_DOWN(range->start_pfn, UNMAPPED_BLOCK_PAGES);

	pfn += i * UNMAPPED_BLOCK_PAGES;
	return pfn < range->start_pfn + range->nr_pages ? pfn_to_page(pfn) :
							  NULL;
}

static void call_for_blocks(const struct memory_notify *range,
			    void (*fn)(struct page *page))
{
	struct page *page;
	unsigned long i;

	for (i = 0; (page = block_in_range(range, i)); i++)
		if (pfn_valid(page_to_pfn(page)))
			fn(page);
}

/* Such pages do not move: without this, offlining tries until a signal. */
static bool range_in_use(const struct memory_notify *range)
{
	unsigned long pfn = range->start_pfn;
	unsigned long end = pfn + range->nr_pages;
	struct page *page;

	for (; pfn < end; pfn++) {
		page = pfn_to_online_page(pfn);
		if (page && page_inaccessible(page) && !PageHWPoison(page))
			return true;
	}
	return false;
}

static int prepare_offline(const struct memory_notify *range)
{
	unmapped_drain();
	call_for_blocks(range, unmapped_node_split_poisoned);
	if (unmapped_drain() && range_in_use(range) &&
	    unmapped_drain_patiently() && range_in_use(range))
		return notifier_from_errno(-EBUSY);
	return NOTIFY_OK;
}

VISIBLE_IF_KUNIT int unmapped_memory_notify(struct notifier_block *nb,
					    unsigned long action, void *arg)
{
	if (action == MEM_GOING_OFFLINE)
		return prepare_offline(arg);
	if (action == MEM_OFFLINE)
		call_for_blocks(arg, unmapped_node_forget);
	return NOTIFY_OK;
}

static int __init init_shrinker(const char *name, int seeks,
				typeof(count_free) *count,
				typeof(scan_free) *scan)
{
	struct shrinker *shrinker = shrinker_alloc(SHRINKER_NUMA_AWARE, name);

	if (!shrinker)
		return -ENOMEM;

	shrinker->count_objects = count;
	shrinker->scan_objects = scan;
	shrinker->seeks = seeks;
	/* A scan of less than a block would free a block all the same. */
	shrinker->batch = UNMAPPED_BLOCK_PAGES;
	shrinker_register(shrinker);
	return 0;
}

int __init unmapped_reclaim_init(void)
{
	int err;

	err = init_shrinker("unmapped_alloc", DEFAULT_SEEKS, count_free,
			    scan_free);
	if (!err)
		err = init_shrinker("unmapped_sparse", 4 * DEFAULT_SEEKS,
				    count_sparse, scan_sparse);
	if (err)
		return err;

	hotplug_memory_notifier(unmapped_memory_notify,
				DEFAULT_CALLBACK_PRI);
	unmapped_hibernate_init();
	return 0;
}
