// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/kernel/mm/unaccepted, see
 * Documentation/ABI/testing/sysfs-kernel-mm-unaccepted.
 */

#include <linux/init.h>
#include <linux/kobject.h>
#include <linux/kstrtox.h>
#include <linux/mm.h>
#include <linux/sysfs.h>

#include "buddy.h"
#include "unaccepted.h"

static ssize_t mode_show(struct kobject *kobj, struct kobj_attribute *attr,
			 char *buf)
{
	return sysfs_emit(buf, "%s\n", unaccepted_modes[unaccepted_mode]);
}

static struct kobj_attribute mode_attr = __ATTR_RO(mode);

static ssize_t remaining_show(struct kobject *kobj,
			      struct kobj_attribute *attr, char *buf)
{
	struct unaccepted_state state;
	unsigned long units = 0;

	if (unaccepted_get_state(&state))
		units = unaccepted_units_left(&state);
	return sysfs_emit(buf, "%llu\n", (u64)units << state.map.shift);
}

static struct kobj_attribute remaining_attr = __ATTR_RO(remaining);

static ssize_t background_show(struct kobject *kobj,
			       struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%d\n", READ_ONCE(unaccepted_background));
}

static ssize_t background_store(struct kobject *kobj,
				struct kobj_attribute *attr, const char *buf,
				size_t count)
{
	bool on;
	int err = kstrtobool(buf, &on);

	if (err)
		return err;
	WRITE_ONCE(unaccepted_background, on);
	unaccepted_start_background();
	return count;
}

static struct kobj_attribute background_attr = __ATTR_RW(background);

static ssize_t rate_mbps_show(struct kobject *kobj,
			      struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%lu\n", READ_ONCE(unaccepted_rate_mbps));
}

static ssize_t rate_mbps_store(struct kobject *kobj,
			       struct kobj_attribute *attr, const char *buf,
			       size_t count)
{
	unsigned long rate;
	int err = kstrtoul(buf, 0, &rate);

	if (err)
		return err;
	WRITE_ONCE(unaccepted_rate_mbps, rate);
	unaccepted_start_background();
	return count;
}

static struct kobj_attribute rate_mbps_attr = __ATTR_RW(rate_mbps);

static ssize_t reserve_kbytes_show(struct kobject *kobj,
				   struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%lu\n", READ_ONCE(unaccepted_reserve_kbytes));
}

static ssize_t reserve_kbytes_store(struct kobject *kobj,
				    struct kobj_attribute *attr,
				    const char *buf, size_t count)
{
	unsigned long kbytes;
	int err = kstrtoul(buf, 0, &kbytes);

	if (err)
		return err;
	unaccepted_set_reserve(kbytes);
	return count;
}

static struct kobj_attribute reserve_kbytes_attr = __ATTR_RW(reserve_kbytes);

static struct attribute *unaccepted_attrs[] = {
	&mode_attr.attr,
	&remaining_attr.attr,
	&background_attr.attr,
	&rate_mbps_attr.attr,
	&reserve_kbytes_attr.attr,
	NULL
};

static const struct attribute_group unaccepted_group = {
	.name = "unaccepted",
	.attrs = unaccepted_attrs,
};

static int __init unaccepted_sysfs_init(void)
{
	if (!unaccepted_in_buddy())
		return 0;
	return sysfs_create_group(mm_kobj, &unaccepted_group);
}
late_initcall(unaccepted_sysfs_init);
