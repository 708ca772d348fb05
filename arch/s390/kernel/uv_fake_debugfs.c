// SPDX-License-Identifier: GPL-2.0
/*
 * The fake Ultravisor for programs: /sys/kernel/debug/uv_fake/.
 *
 * A shell makes the pages of a file secure, and other programs then do with
 * the file what they always do:
 *
 *	exec 3<>/tmp/file
 *	echo 3 >/sys/kernel/debug/uv_fake/secure
 *	cp /tmp/file /tmp/copy
 *	cat /sys/kernel/debug/uv_fake/stats
 *
 * "refuse" does the same, and no page may be exported until the next write to
 * one of the two. A write to "stats" makes all pages accessible again.
 */

#define KMSG_COMPONENT "uv_fake"
#define pr_fmt(fmt) KMSG_COMPONENT ": " fmt

#include <linux/debugfs.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/kstrtox.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>

#include <asm/uv_fake.h>

/*
 * The page cache alone has a reference when the page is made secure, and the
 * caller keeps reclaim and truncation away.
 */
static int secure_page(struct address_space *mapping, pgoff_t index,
		       bool refuse)
{
	struct folio *folio = filemap_get_folio(mapping, index);
	int err;

	if (IS_ERR(folio))
		return PTR_ERR(folio);
	folio_put(folio);
	if (folio_test_large(folio))
		return -EINVAL;
	err = uv_fake_prepare(folio);
	if (!err && !uv_fake_secure(folio))
		err = uv_fake_import(folio);
	if (!err)
		uv_fake_refuse(folio, refuse);
	return err;
}

static int secure_pages(struct address_space *mapping, bool refuse)
{
	pgoff_t index, end = DIV_ROUND_UP(i_size_read(mapping->host),
					  PAGE_SIZE);
	int err = 0;

	for (index = 0; index < end && !err; index++) {
		if (fatal_signal_pending(current))
			return -EINTR;
		err = secure_page(mapping, index, refuse);
		cond_resched();
	}
	return err;
}

static int secure_file(unsigned int fd, bool refuse)
{
	struct file *file = fget(fd);
	struct address_space *mapping;
	int err;

	if (!file)
		return -EBADF;
	mapping = file->f_mapping;
	filemap_invalidate_lock(mapping);
	if (mapping_unevictable(mapping)) {
		err = -EBUSY;
	} else {
		mapping_set_unevictable(mapping);
		err = secure_pages(mapping, refuse);
		mapping_clear_unevictable(mapping);
	}
	filemap_invalidate_unlock(mapping);
	fput(file);
	return err;
}

static ssize_t write_fd(const char __user *buf, size_t len, bool refuse)
{
	unsigned int fd;
	int err = kstrtouint_from_user(buf, len, 0, &fd);

	if (!err)
		err = secure_file(fd, refuse);
	return err ?: len;
}

static ssize_t secure_write(struct file *file, const char __user *buf,
			    size_t len, loff_t *pos)
{
	return write_fd(buf, len, false);
}

static ssize_t refuse_write(struct file *file, const char __user *buf,
			    size_t len, loff_t *pos)
{
	return write_fd(buf, len, true);
}

static const struct file_operations secure_fops = {
	.open	= simple_open,
	.write	= secure_write,
};

static const struct file_operations refuse_fops = {
	.open	= simple_open,
	.write	= refuse_write,
};

static int stats_show(struct seq_file *m, void *v)
{
	struct uv_fake_stats stats;

	uv_fake_get_stats(&stats);
	seq_printf(m, "exports %lu\nrefused %lu\nuseless %lu\nunguarded %lu\n",
		   stats.exports, stats.refused, stats.useless,
		   stats.unguarded);
	return 0;
}

static int stats_open(struct inode *inode, struct file *file)
{
	return single_open(file, stats_show, NULL);
}

static ssize_t stats_write(struct file *file, const char __user *buf,
			   size_t len, loff_t *pos)
{
	uv_fake_reset();
	return len;
}

static const struct file_operations stats_fops = {
	.open		= stats_open,
	.read		= seq_read,
	.write		= stats_write,
	.llseek		= seq_lseek,
	.release	= single_release,
};

static int __init uv_fake_debugfs_init(void)
{
	struct dentry *dir;

	if (!uv_fake_active())
		return 0;
	dir = debugfs_create_dir("uv_fake", NULL);
	debugfs_create_file("secure", 0200, dir, NULL, &secure_fops);
	debugfs_create_file("refuse", 0200, dir, NULL, &refuse_fops);
	debugfs_create_file("stats", 0600, dir, NULL, &stats_fops);
	return 0;
}
late_initcall(uv_fake_debugfs_init);
