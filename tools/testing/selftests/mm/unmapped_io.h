/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Shared by the tests that take files outside the direct map through devices:
 * asynchronous I/O, TCP connections, swap, disks, commands to disks.
 */
#ifndef UNMAPPED_IO_H
#define UNMAPPED_IO_H

#include <arpa/inet.h>
#include <linux/aio_abi.h>
#include <linux/io_uring.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <netinet/in.h>
#include <scsi/sg.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/swap.h>

#include "unmapped_util.h"

#ifndef MSG_ZEROCOPY
#define MSG_ZEROCOPY		0x4000000
#endif
#ifndef SO_ZEROCOPY
#define SO_ZEROCOPY		60
#endif

/* The result, as that of pread() or -errno. */
static inline long aio_one(aio_context_t ctx, int fd, int op, void *p,
			   size_t bytes)
{
	struct iocb cb = {
		.aio_lio_opcode = op,
		.aio_fildes = fd,
		.aio_buf = (uintptr_t)p,
		.aio_nbytes = bytes,
	};
	struct iocb *cbs = &cb;
	struct io_event event;

	if (syscall(__NR_io_submit, ctx, 1L, &cbs) != 1 ||
	    syscall(__NR_io_getevents, ctx, 1L, 1L, &event, NULL) != 1)
		return -errno;
	return event.res;
}

struct ring {
	int fd;
	struct io_uring_params p;
	char *rings;
	struct io_uring_sqe *sqes;
};

static inline bool ring_open(struct ring *r)
{
	memset(r, 0, sizeof(*r));
	r->fd = syscall(__NR_io_uring_setup, 4, &r->p);
	if (r->fd < 0)
		return false;
	r->rings = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
			r->fd, IORING_OFF_SQ_RING);
	r->sqes = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd,
		       IORING_OFF_SQES);
	return r->rings != MAP_FAILED && r->sqes != MAP_FAILED;
}

/* With buffer 0; the result. */
static inline int ring_one(struct ring *r, int op, int fd, void *p,
			   size_t bytes)
{
	unsigned int *tail = (unsigned int *)(r->rings + r->p.sq_off.tail);
	unsigned int *head = (unsigned int *)(r->rings + r->p.cq_off.head);
	struct io_uring_cqe *cqes = (void *)(r->rings + r->p.cq_off.cqes);
	unsigned int i = *tail & (r->p.sq_entries - 1);
	int res;

	r->sqes[i] = (struct io_uring_sqe){
		.opcode = op,
		.fd = fd,
		.addr = (uintptr_t)p,
		.len = bytes,
	};
	((unsigned int *)(r->rings + r->p.sq_off.array))[i] = i;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	if (syscall(__NR_io_uring_enter, r->fd, 1, 1, IORING_ENTER_GETEVENTS,
		    NULL, 0) != 1)
		return -errno;
	res = cqes[*head & (r->p.cq_entries - 1)].res;
	__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
	return res;
}

/* A TCP connection of two ends over the loopback device. */
static inline bool connect_tcp(int fds[2])
{
	struct sockaddr_in a = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(a);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	fds[0] = socket(AF_INET, SOCK_STREAM, 0);
	return listener >= 0 && !bind(listener, (void *)&a, len) &&
	       !listen(listener, 1) &&
	       !getsockname(listener, (void *)&a, &len) &&
	       !connect(fds[0], (void *)&a, len) &&
	       (fds[1] = accept(listener, NULL, NULL)) >= 0;
}

/* Makes a device or a file a swap area. */
static inline bool swap_head(int fd, size_t bytes)
{
	struct {
		char unused[1024];
		__u32 version, last_page;
		char rest[PAGE - 1024 - 8 - 10], magic[10];
	} *head = aligned_alloc(PAGE, PAGE);

	memset(head, 0, PAGE);
	head->version = 1;
	head->last_page = bytes / PAGE - 1;
	memcpy(head->magic, "SWAPSPACE2", 10);
	return pwrite(fd, head, PAGE, 0) == (ssize_t)PAGE && !fsync(fd);
}

/* The name of a loop device. */
static inline void loop_name(int loop, char *name)
{
	struct stat st;

	name[0] = 0;
	if (!fstat(loop, &st))
		sprintf(name, "/dev/loop%u", (unsigned int)st.st_rdev & 0xff);
}

/* A swap area in memory; the loop device, or -1. */
static inline int swap_start(char *name, size_t bytes)
{
	int disk = loop_over(memfd_create("swap", 0), bytes);

	if (disk < 0 || !swap_head(disk, bytes))
		return -1;
	loop_name(disk, name);
	return swapon(name, 0) ? -1 : disk;
}

#define CGROUP	"/sys/fs/cgroup/"
#define GROUP	CGROUP "unmapped.swap"

/* What it allocates from now on can be reclaimed apart from all else. */
static inline bool group_enter(void)
{
	write_string(CGROUP "cgroup.subtree_control", "+memory");
	return !mkdir(GROUP, 0755) && write_string(GROUP "/cgroup.procs", "0");
}

static inline void group_leave(void)
{
	write_string(CGROUP "cgroup.procs", "0");
	rmdir(GROUP);
}

/* How many pages went out by a counter, and are not in the swap cache now. */
static inline __u64 page_out(const char *counter)
{
	__u64 before = vmstat(counter);
	int i;

	for (i = 0; i < 10; i++)
		write_string(GROUP "/memory.reclaim", "1M");
	return vmstat(counter) - before;
}

/* --- disks of the machine ------------------------------------------------- */

#define DMA_DISK	"/dev/vda"
#define SCSI_DISK	"/dev/sg0"

/* The first MiB of a disk that QEMU has, for O_DIRECT, or -1. */
static inline int dma_disk(void)
{
	return open(DMA_DISK, O_RDWR | O_DIRECT);
}

/*
 * Reads or writes the first blocks of it. Returns 0 or -errno; what did not go
 * straight is an error, too.
 */
static inline int scsi_one(int fd, bool write, void *p, size_t bytes)
{
	unsigned int blocks = bytes / 512;
	unsigned char cmd[10] = { write ? 0x2a : 0x28, 0, 0, 0, 0, 0, 0,
				  blocks >> 8, blocks, 0 };
	struct sg_io_hdr hdr = {
		.interface_id = 'S',
		.dxfer_direction = write ? SG_DXFER_TO_DEV : SG_DXFER_FROM_DEV,
		.cmd_len = sizeof(cmd),
		.dxfer_len = bytes,
		.dxferp = p,
		.cmdp = cmd,
		.timeout = 20000,
		.flags = SG_FLAG_DIRECT_IO,
	};

	if (ioctl(fd, SG_IO, &hdr))
		return -errno;
	if (hdr.info & SG_INFO_CHECK)
		return -EIO;
	return (hdr.info & SG_INFO_DIRECT_IO_MASK) == SG_INFO_DIRECT_IO ?
	       0 : -EINVAL;
}

/* A disk that takes commands, with transfers straight from memory, or -1. */
static inline int scsi_disk(void)
{
	unsigned char cmd[6] = { 0 };
	struct sg_io_hdr hdr = {
		.interface_id = 'S',
		.dxfer_direction = SG_DXFER_NONE,
		.cmd_len = sizeof(cmd),
		.cmdp = cmd,
		.timeout = 20000,
	};
	int fd = open(SCSI_DISK, O_RDWR);

	write_string("/proc/scsi/sg/allow_dio", "1");
	/* The first command after a reset is told of that, and nothing else */
	if (fd >= 0)
		ioctl(fd, SG_IO, &hdr);
	return fd;
}

/* --- a network between two processes -------------------------------------- */

#define NET_HERE	"10.9.8.1"
#define NET_THERE	"10.9.8.2"

struct link_request {
	struct nlmsghdr head;
	struct ifinfomsg info;
	char attrs[256];
};

/* Adds an attribute; what follows until link_end() is inside it. */
static inline struct rtattr *link_add(struct link_request *r, int type,
				      const void *data, size_t bytes)
{
	struct rtattr *attr = (void *)r + NLMSG_ALIGN(r->head.nlmsg_len);

	attr->rta_type = type;
	attr->rta_len = RTA_LENGTH(bytes);
	if (bytes)
		memcpy(RTA_DATA(attr), data, bytes);
	r->head.nlmsg_len = NLMSG_ALIGN(r->head.nlmsg_len) + RTA_SPACE(bytes);
	return attr;
}

static inline void link_end(struct link_request *r, struct rtattr *attr)
{
	attr->rta_len = (char *)r + r->head.nlmsg_len - (char *)attr;
}

static inline bool link_send(struct link_request *r)
{
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	struct {
		struct nlmsghdr head;
		struct nlmsgerr error;
		char more[512];
	} answer = { .error.error = -EIO };

	if (fd < 0)
		return false;
	if (send(fd, r, r->head.nlmsg_len, 0) < 0 ||
	    recv(fd, &answer, sizeof(answer), 0) < 0)
		answer.error.error = -errno;
	close(fd);
	errno = -answer.error.error;
	return !errno;
}

/* veth0 here and another veth0 in the namespace of a process. */
static inline bool veth_make(pid_t pid)
{
	struct link_request r = {
		.head = {
			.nlmsg_len = NLMSG_LENGTH(sizeof(r.info)),
			.nlmsg_type = RTM_NEWLINK,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK |
				       NLM_F_CREATE | NLM_F_EXCL,
		},
	};
	struct ifinfomsg peer_info = {};
	struct rtattr *linkinfo, *data, *peer;

	link_add(&r, IFLA_IFNAME, "veth0", 6);
	linkinfo = link_add(&r, IFLA_LINKINFO, NULL, 0);
	link_add(&r, IFLA_INFO_KIND, "veth", 5);
	data = link_add(&r, IFLA_INFO_DATA, NULL, 0);
	peer = link_add(&r, VETH_INFO_PEER, &peer_info, sizeof(peer_info));
	link_add(&r, IFLA_IFNAME, "veth0", 6);
	link_add(&r, IFLA_NET_NS_PID, &pid, sizeof(pid));
	link_end(&r, peer);
	link_end(&r, data);
	link_end(&r, linkinfo);
	return link_send(&r);
}

static inline struct sockaddr_in net_address(const char *where, int port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = inet_addr(where),
	};
}

static inline bool veth_up(const char *where)
{
	struct sockaddr_in address = net_address(where, 0);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct ifreq r = { .ifr_name = "veth0" };
	bool ok;

	memcpy(&r.ifr_addr, &address, sizeof(address));
	ok = !ioctl(fd, SIOCSIFADDR, &r);
	address.sin_addr.s_addr = htonl(0xffffff00);
	memcpy(&r.ifr_netmask, &address, sizeof(address));
	ok = ok && !ioctl(fd, SIOCSIFNETMASK, &r);
	r.ifr_flags = IFF_UP;
	ok = ok && !ioctl(fd, SIOCSIFFLAGS, &r);
	close(fd);
	return ok;
}

#endif
