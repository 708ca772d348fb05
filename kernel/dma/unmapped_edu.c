// SPDX-License-Identifier: GPL-2.0
/*
 * A buffer without an address in the kernel, on a device that anybody can have.
 *
 * The device is "edu", which QEMU brings to learn driver writing with
 * (docs/specs/edu there): it has 4K of memory and copies between that and the
 * machine's. This driver allocates a buffer as a camera's or an encoder's does,
 * with DMA_ATTR_NO_KERNEL_MAPPING, lets user space map it by /dev/unmapped_edu,
 * and has the device copy its pages:
 *
 *	echo 0 1 >/dev/unmapped_edu
 *
 * copies page 0 into the device, and from there to page 1. Reading the file tells
 * the device's address of the buffer, and its size. The kernel never looks at the
 * contents. The device is given the address that came with the
 * allocation on the way in; on the way out it is another one to whom the buffer
 * was exported: a page of the scatterlist is mapped for it.
 *
 * The device does not tell how many bits of an address it has, and drops the
 * others: then the wrong memory is written to. It has 28, or those of QEMU's
 * `-device edu,dma_mask=`; dma_bits= must not be more.
 *
 * The buffer is there until both the driver and the last file let it go.
 */

#include <linux/dma-mapping.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/iopoll.h>
#include <linux/kref.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#define EDU_VENDOR		0x1234
#define EDU_DEVICE		0x11e8

/* Registers in BAR 0. Those of DMA take 64 bits. */
#define EDU_ID			0x00	/* 0xed in the lowest byte */
#define EDU_DMA_SRC		0x80
#define EDU_DMA_DST		0x88
#define EDU_DMA_COUNT		0x90
#define EDU_DMA_CMD		0x98
#define EDU_DMA_RUN		BIT(0)
#define EDU_DMA_TO_MEMORY	BIT(1)

/* The device's memory, as its DMA knows it. */
#define EDU_MEMORY		0x40000

/* Older versions of QEMU end when all 4K of it are copied at once. */
#define EDU_PART		(PAGE_SIZE / 2)

/* A transfer takes 100 ms. */
#define EDU_TIMEOUT_US		(10 * USEC_PER_SEC)

#define NO_ADDRESS		DMA_ATTR_NO_KERNEL_MAPPING

static unsigned int dma_bits = 28;
module_param(dma_bits, uint, 0444);
MODULE_PARM_DESC(dma_bits, "bits of an address that the device has (28)");

static unsigned int pages = 4;
module_param(pages, uint, 0444);
MODULE_PARM_DESC(pages, "size of the buffer (4)");

static unsigned long bus_limit;
module_param(bus_limit, ulong, 0444);
MODULE_PARM_DESC(bus_limit, "highest address behind the bus, 0 for any (0)");

/**
 * struct edu - the device and its buffer
 * @ref: One for the driver, one for each open file.
 * @lock: Serialises transfers. Protects @regs.
 * @pdev: The device, with a reference.
 * @regs: Its registers; NULL when the driver has left it, or it has failed.
 * @misc: The file.
 * @cookie: What dma_alloc_attrs() returned.
 * @addr: Of the buffer, for the device.
 * @size: Of the buffer, in bytes.
 * @sgt: The buffer, for other devices.
 */
struct edu {
	struct kref ref;
	struct mutex lock;	/* transfers, @regs */
	struct pci_dev *pdev;
	void __iomem *regs;
	struct miscdevice misc;
	void *cookie;
	dma_addr_t addr;
	size_t size;
	struct sg_table sgt;
};

/* The file has one name, so there is one device. */
static unsigned long edu_taken;

/*
 * Transfers.
 */

/* After a failure the pages may be somebody else's when the device wakes up. */
static int transfer(struct edu *edu, u64 src, u64 dst, u32 cmd)
{
	u32 now;
	int err;

	writeq(src, edu->regs + EDU_DMA_SRC);
	writeq(dst, edu->regs + EDU_DMA_DST);
	writeq(EDU_PART, edu->regs + EDU_DMA_COUNT);
	writeq(cmd | EDU_DMA_RUN, edu->regs + EDU_DMA_CMD);
	err = readl_poll_timeout(edu->regs + EDU_DMA_CMD, now,
				 !(now & EDU_DMA_RUN), USEC_PER_MSEC,
				 EDU_TIMEOUT_US);
	if (err) {
		pci_clear_master(edu->pdev);
		edu->regs = NULL;
	}
	return err;
}

static int copy_parts(struct edu *edu, dma_addr_t src, dma_addr_t dst)
{
	unsigned int at;
	int err = 0;

	for (at = 0; !err && at < PAGE_SIZE; at += EDU_PART) {
		err = transfer(edu, src + at, EDU_MEMORY, 0);
		if (!err)
			err = transfer(edu, EDU_MEMORY, dst + at,
				       EDU_DMA_TO_MEMORY);
	}
	return err;
}

static struct page *exported_page(struct edu *edu, unsigned int nr)
{
	struct sg_page_iter iter;

	__sg_page_iter_start(&iter, edu->sgt.sgl, edu->sgt.orig_nents, nr);
	return __sg_page_iter_next(&iter) ? sg_page_iter_page(&iter) : NULL;
}

static int copy_page_by_dma(struct edu *edu, unsigned int from, unsigned int to)
{
	struct page *page = exported_page(edu, to);
	struct device *dev = &edu->pdev->dev;
	dma_addr_t dst;
	int err;

	lockdep_assert_held(&edu->lock);

	if (!edu->regs)
		return -ENODEV;
	if (!page)
		return -EINVAL;
	dst = dma_map_page(dev, page, 0, PAGE_SIZE, DMA_FROM_DEVICE);
	if (dma_mapping_error(dev, dst))
		return -EIO;
	err = copy_parts(edu, edu->addr + (dma_addr_t)from * PAGE_SIZE, dst);
	dma_unmap_page(dev, dst, PAGE_SIZE, DMA_FROM_DEVICE);
	return err;
}

/*
 * The buffer.
 */

static int alloc_buffer(struct edu *edu)
{
	struct device *dev = &edu->pdev->dev;
	u64 old_limit = dev->bus_dma_limit;

	if (bus_limit)
		dev->bus_dma_limit = bus_limit;
	edu->cookie = dma_alloc_attrs(dev, edu->size, &edu->addr, GFP_KERNEL,
				      NO_ADDRESS);
	dev->bus_dma_limit = old_limit;
	if (!edu->cookie)
		return -ENOMEM;
	return dma_get_sgtable_attrs(dev, &edu->sgt, edu->cookie, edu->addr,
				     edu->size, NO_ADDRESS);
}

static void free_edu(struct kref *ref)
{
	struct edu *edu = container_of(ref, struct edu, ref);

	sg_free_table(&edu->sgt);
	if (edu->cookie)
		dma_free_attrs(&edu->pdev->dev, edu->size, edu->cookie,
			       edu->addr, NO_ADDRESS);
	pci_dev_put(edu->pdev);
	kfree(edu);
	clear_bit(0, &edu_taken);
}

/*
 * The file.
 */

/* misc_deregister() waits for those who are here. */
static int edu_open(struct inode *inode, struct file *file)
{
	struct edu *edu = container_of(file->private_data, struct edu, misc);

	kref_get(&edu->ref);
	file->private_data = edu;
	return 0;
}

static int edu_release(struct inode *inode, struct file *file)
{
	struct edu *edu = file->private_data;

	kref_put(&edu->ref, free_edu);
	return 0;
}

static int edu_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct edu *edu = file->private_data;

	return dma_mmap_attrs(&edu->pdev->dev, vma, edu->cookie, edu->addr,
			      edu->size, NO_ADDRESS);
}

static ssize_t edu_write(struct file *file, const char __user *text, size_t len,
			 loff_t *pos)
{
	struct edu *edu = file->private_data;
	unsigned int from, to;
	char line[32] = "";
	int err;

	if (len >= sizeof(line))
		return -EINVAL;
	if (copy_from_user(line, text, len))
		return -EFAULT;
	if (sscanf(line, "%u %u", &from, &to) != 2 ||
	    from >= edu->size / PAGE_SIZE || to >= edu->size / PAGE_SIZE)
		return -EINVAL;

	if (mutex_lock_interruptible(&edu->lock))
		return -EINTR;
	err = copy_page_by_dma(edu, from, to);
	mutex_unlock(&edu->lock);
	return err ?: len;
}

/* Where the device finds the buffer, and its size. */
static ssize_t edu_read(struct file *file, char __user *text, size_t len,
			loff_t *pos)
{
	struct edu *edu = file->private_data;
	char line[48];
	int n = scnprintf(line, sizeof(line), "%pad %zu\n", &edu->addr,
			  edu->size);

	return simple_read_from_buffer(text, len, pos, line, n);
}

static const struct file_operations edu_fops = {
	.owner		= THIS_MODULE,
	.open		= edu_open,
	.release	= edu_release,
	.mmap		= edu_mmap,
	.read		= edu_read,
	.write		= edu_write,
	.llseek		= noop_llseek,
};

/*
 * The driver.
 */

static int start_device(struct edu *edu)
{
	struct pci_dev *pdev = edu->pdev;
	int err = pcim_enable_device(pdev);

	if (err)
		return err;
	edu->regs = pcim_iomap_region(pdev, 0, KBUILD_MODNAME);
	if (IS_ERR(edu->regs))
		return PTR_ERR(edu->regs);
	if ((readl(edu->regs + EDU_ID) & 0xff) != 0xed)
		return -ENODEV;
	err = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(dma_bits));
	if (err)
		return dev_err_probe(&pdev->dev, err,
				     "no zone of memory has %u bits\n",
				     dma_bits);
	pci_set_master(pdev);
	return 0;
}

static int register_file(struct edu *edu)
{
	edu->misc.minor = MISC_DYNAMIC_MINOR;
	edu->misc.name = KBUILD_MODNAME;
	edu->misc.fops = &edu_fops;
	edu->misc.parent = &edu->pdev->dev;
	return misc_register(&edu->misc);
}

static struct edu *new_edu(struct pci_dev *pdev)
{
	struct edu *edu = kzalloc(sizeof(*edu), GFP_KERNEL);

	if (!edu)
		return NULL;
	kref_init(&edu->ref);
	mutex_init(&edu->lock);
	edu->pdev = pci_dev_get(pdev);
	edu->size = (size_t)pages * PAGE_SIZE;
	return edu;
}

static int edu_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct edu *edu;
	int err;

	if (!dma_bits || dma_bits > 64 || !pages || pages > MAX_ORDER_NR_PAGES)
		return -EINVAL;
	if (test_and_set_bit(0, &edu_taken))
		return -EBUSY;
	edu = new_edu(pdev);
	if (!edu) {
		clear_bit(0, &edu_taken);
		return -ENOMEM;
	}

	err = start_device(edu);
	if (!err)
		err = alloc_buffer(edu);
	if (!err)
		err = register_file(edu);
	if (err) {
		kref_put(&edu->ref, free_edu);
		return err;
	}
	pci_set_drvdata(pdev, edu);
	return 0;
}

static void edu_remove(struct pci_dev *pdev)
{
	struct edu *edu = pci_get_drvdata(pdev);

	misc_deregister(&edu->misc);
	mutex_lock(&edu->lock);
	edu->regs = NULL;
	mutex_unlock(&edu->lock);
	pci_clear_master(pdev);
	kref_put(&edu->ref, free_edu);
}

static const struct pci_device_id edu_ids[] = {
	{ PCI_DEVICE(EDU_VENDOR, EDU_DEVICE) },
	{ }
};
MODULE_DEVICE_TABLE(pci, edu_ids);

static struct pci_driver edu_driver = {
	.name		= KBUILD_MODNAME,
	.id_table	= edu_ids,
	.probe		= edu_probe,
	.remove		= edu_remove,
};
module_pci_driver(edu_driver);

MODULE_DESCRIPTION("DMA buffers without a kernel address, on QEMU's edu");
MODULE_LICENSE("GPL");
