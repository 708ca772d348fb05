// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/memkey: keys for programs, see uapi/linux/memkey.h.
 *
 * A file is a key. A range of memory is given the key before it has a page, so
 * that no page ever is in a VMA of another key than its own, and nothing has to
 * be unmapped or encrypted anew. Permissions stay with mprotect(2).
 *
 * KeyIDs are few, and one owner should hand them out: to make one needs
 * CAP_SYS_RESOURCE, to use one only its file.
 */

#define pr_fmt(fmt) "memkey: " fmt

#include <linux/capability.h>
#include <linux/compat.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/pagewalk.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/uaccess.h>

#include <uapi/linux/memkey.h>

#include "../internal.h"
#include "../vma.h"
#include "keyid.h"

/*
 * What cannot have a key: pages that are not the kernel's to give, that others
 * see without the VMA, or that HugeTLB allocates. A stack grows by itself.
 */
#define MEMKEY_NEVER	(VM_SPECIAL | VM_SHARED | VM_MAYSHARE | VM_HUGETLB | \
			 VM_GROWSDOWN | VM_GROWSUP | VM_SHADOW_STACK |	     \
			 VM_DROPPABLE | VM_SEALED)

/*
 * Is there a page? Asked page table by page table.
 */

static int pmd_taken(pmd_t *pmd, unsigned long addr, unsigned long next,
		     struct mm_walk *walk)
{
	pmd_t val = pmdp_get_lockless(pmd);

	return pmd_none(val) || (pmd_present(val) && !pmd_leaf(val)) ? 0 :
								      -EBUSY;
}

static int pte_taken(pte_t *pte, unsigned long addr, unsigned long next,
		     struct mm_walk *walk)
{
	return pte_none(ptep_get(pte)) ? 0 : -EBUSY;
}

static const struct mm_walk_ops taken_ops = {
	.pmd_entry	= pmd_taken,
	.pte_entry	= pte_taken,
	.walk_lock	= PGWALK_WRLOCK,
};

/*
 * Keyed memory does not swap: all that a process can have is limited like
 * memory that it locks.
 */
static bool within_limit(struct mm_struct *mm, unsigned long more)
{
	VMA_ITERATOR(vmi, mm, 0);
	unsigned long limit = rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT;
	unsigned long pages = mm->locked_vm + (more >> PAGE_SHIFT);
	struct vm_area_struct *vma;

	mmap_assert_write_locked(mm);

	if (rlimit(RLIMIT_MEMLOCK) == RLIM_INFINITY || capable(CAP_IPC_LOCK))
		return true;
	for_each_vma(vmi, vma)
		if (vma_keyid(vma) && !(vma->vm_flags & VM_LOCKED))
			pages += vma_pages(vma);
	return pages <= limit;
}

static int check_range(struct vm_area_struct *vma, unsigned long start,
		       unsigned long end, u16 keyid)
{
	if (!vma || vma->vm_start > start)
		return -ENOMEM;
	if (vma->vm_end < end)
		return -EINVAL;
	if (!vma_is_anonymous(vma) || (vma->vm_flags & MEMKEY_NEVER))
		return -EOPNOTSUPP;
	if (vma_keyid(vma) && vma_keyid(vma) != keyid)
		return -EBUSY;
	return 0;
}

/* The VMA that the range is now part of may be one that had the key. */
static int set_key(struct vm_area_struct *vma, struct vm_area_struct *prev,
		   unsigned long start, unsigned long end, struct page_key *key)
{
	VMA_ITERATOR(vmi, vma->vm_mm, start);
	vm_flags_t flags = vma->vm_flags | (vm_flags_t)key->id << VM_KEYID_SHIFT;

	/* Pages with equal contents differ in memory */
	flags &= ~VM_MERGEABLE;
	if (start > vma->vm_start)
		prev = vma;
	vma = vma_modify_flags(&vmi, prev, vma, start, end, flags);
	if (IS_ERR(vma))
		return PTR_ERR(vma);
	if (vma_keyid(vma))
		return 0;
	vma_start_write(vma);
	percpu_ref_get(&key->users);
	vm_flags_reset(vma, flags);
	return 0;
}

static int protect_locked(struct mm_struct *mm, unsigned long start,
			  unsigned long end, struct page_key *key)
{
	struct vm_area_struct *prev;
	struct vm_area_struct *vma = find_vma_prev(mm, start, &prev);
	int err = check_range(vma, start, end, key->id);

	if (err || vma_keyid(vma))
		return err;
	if (!within_limit(mm, end - start))
		return -ENOMEM;
	err = walk_page_range(mm, start, end, &taken_ops, NULL);
	return err ?: set_key(vma, prev, start, end, key);
}

static int protect(struct page_key *key, const struct memkey_range *range)
{
	unsigned long start = untagged_addr(range->addr);
	unsigned long end = start + range->len;
	struct mm_struct *mm = current->mm;
	int err;

	if (!PAGE_ALIGNED(start) || !PAGE_ALIGNED(end) || end <= start ||
	    end > TASK_SIZE)
		return -EINVAL;
	if (mmap_write_lock_killable(mm))
		return -EINTR;
	err = protect_locked(mm, start, end, key);
	mmap_write_unlock(mm);
	return err;
}

/*
 * The device.
 */

static long memkey_protect(struct page_key *key, void __user *arg)
{
	struct memkey_range range;

	if (copy_from_user(&range, arg, sizeof(range)))
		return -EFAULT;
	return protect(key, &range);
}

static long memkey_info(struct page_key *key, void __user *arg)
{
	struct memkey_info info = {
		.keyid = page_key_id(key),
		.max_keyid = arch_keyid_max(),
		.pages = page_key_pages(key),
	};

	return copy_to_user(arg, &info, sizeof(info)) ? -EFAULT : 0;
}

static long memkey_ioctl(struct file *file, unsigned int cmd,
			 unsigned long arg)
{
	struct page_key *key = file->private_data;

	switch (cmd) {
	case MEMKEY_INFO:
		return memkey_info(key, (void __user *)arg);
	case MEMKEY_PROTECT:
		return memkey_protect(key, (void __user *)arg);
	default:
		return -ENOTTY;
	}
}

static int memkey_open(struct inode *inode, struct file *file)
{
	struct page_key *key;

	if (!page_key_limited() && !capable(CAP_SYS_RESOURCE))
		return -EPERM;
	key = page_key_create();
	if (IS_ERR(key))
		return PTR_ERR(key);
	file->private_data = key;
	return nonseekable_open(inode, file);
}

static int memkey_release(struct inode *inode, struct file *file)
{
	page_key_put(file->private_data);
	return 0;
}

static void memkey_show_fdinfo(struct seq_file *m, struct file *file)
{
	struct page_key *key = file->private_data;

	seq_printf(m, "keyid:\t%u\npages:\t%lu\n", page_key_id(key),
		   page_key_pages(key));
}

static const struct file_operations memkey_fops = {
	.owner		= THIS_MODULE,
	.open		= memkey_open,
	.release	= memkey_release,
	.unlocked_ioctl	= memkey_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
	.show_fdinfo	= memkey_show_fdinfo,
};

bool memkey_possible(void)
{
	return arch_keyid_max();
}
EXPORT_SYMBOL_GPL(memkey_possible);

struct unmapped_owner *memkey_owner_create(unsigned int fd, const char *name)
{
	struct unmapped_owner *owner;

	CLASS(fd, file)(fd);
	if (!fd_file(file) || fd_file(file)->f_op != &memkey_fops)
		return ERR_PTR(-EBADF);
	owner = page_key_owner_create(fd_file(file)->private_data, name);
	return owner ?: ERR_PTR(-ENOMEM);
}
EXPORT_SYMBOL_GPL(memkey_owner_create);

static struct miscdevice memkey_device = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "memkey",
	.fops	= &memkey_fops,
	.mode	= 0666,
};

static int __init memkey_init(void)
{
	return memkey_possible() ? misc_register(&memkey_device) : 0;
}
device_initcall(memkey_init);
