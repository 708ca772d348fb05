// SPDX-License-Identifier: GPL-2.0
/*
 * What operators see: lines in /proc/meminfo, the cap on all owners together
 * in /proc/sys/vm, and in debugfs the blocks of each node by fill, much as
 * /proc/pagetypeinfo shows the buddy. Events are in /proc/vmstat.
 */

#include <linux/debugfs.h>
#include <linux/init.h>
#include <linux/nodemask.h>
#include <linux/seq_file.h>
#include <linux/sysctl.h>

#include "unmapped.h"

#define K(pages)	((pages) << (PAGE_SHIFT - 10))

unsigned long unmapped_total_pages(void)
{
	unsigned long sum = 0;
	int nid;

	for_each_node(nid)
		if (unmapped_nodes[nid])
			sum += READ_ONCE(unmapped_nodes[nid]->nr_pages);
	return sum;
}

unsigned long unmapped_total_free(void)
{
	unsigned long sum = 0;
	int nid;

	for_each_node(nid)
		if (unmapped_nodes[nid])
			sum += READ_ONCE(unmapped_nodes[nid]->nr_free) +
			       unmapped_front_pages(nid);
	return sum;
}

/* Poisoned pages that the cache still has count. */
unsigned long unmapped_total_used(void)
{
	unsigned long pages = unmapped_total_pages();

	return pages - min(pages, unmapped_total_free());
}

void unmapped_report_meminfo(struct seq_file *m)
{
	seq_printf(m, "NoDirectMap:    %8lu kB\n", K(unmapped_total_pages()));
	seq_printf(m, "NoDirectMapFree:%8lu kB\n", K(unmapped_total_free()));
}

static void show_node(struct seq_file *m, struct unmapped_node *node)
{
	unsigned int i;

	seq_printf(m, "Node %d, blocks by free pages (0, 1, 2-3, 4-7, ...)",
		   node->nid);
	for (i = 0; i < UNMAPPED_NR_BUCKETS; i++)
		seq_printf(m, " %6lu", READ_ONCE(node->nr_blocks[i]));
	seq_printf(m, "\nNode %d, pages %lu free %lu leaving %lu fronts %lu\n",
		   node->nid, node->nr_pages, node->nr_free, node->nr_leaving,
		   unmapped_front_pages(node->nid));
}

static void show_owners(struct seq_file *m)
{
	struct unmapped_owner *owner;
	unsigned int id = 0;

	rcu_read_lock();
	while ((owner = unmapped_owner_next(&id)))
		seq_printf(m, "Owner %s, pages %lu\n", owner->name,
			   unmapped_owner_pages(owner));
	rcu_read_unlock();
}

static int unmapped_alloc_show(struct seq_file *m, void *private)
{
	int i;

	for_each_online_node(i)
		if (unmapped_nodes[i])
			show_node(m, unmapped_nodes[i]);
	show_owners(m);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(unmapped_alloc);

static struct ctl_table unmapped_sysctls[] = {
	{
		.procname	= "unmapped_max_kbytes",
		.data		= &unmapped_max_kbytes,
		.maxlen		= sizeof(unmapped_max_kbytes),
		.mode		= 0644,
		.proc_handler	= proc_doulongvec_minmax,
	},
};

static int __init unmapped_stats_init(void)
{
	register_sysctl("vm", unmapped_sysctls);
	debugfs_create_file("unmapped_alloc", 0400, NULL, NULL,
			    &unmapped_alloc_fops);
	return 0;
}
late_initcall(unmapped_stats_init);
