/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM unaccepted

#if !defined(_TRACE_UNACCEPTED_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_UNACCEPTED_H

#include <linux/tracepoint.h>
#include <linux/unaccepted_memory.h>
#include <trace/events/mmflags.h>

TRACE_DEFINE_ENUM(ACCEPT_BOOT);
TRACE_DEFINE_ENUM(ACCEPT_ALLOC);
TRACE_DEFINE_ENUM(ACCEPT_ATOMIC);
TRACE_DEFINE_ENUM(ACCEPT_BACKGROUND);
TRACE_DEFINE_ENUM(ACCEPT_RANGE);

#define show_accept_cause(cause)		\
	__print_symbolic(cause,			\
		{ ACCEPT_BOOT,		"boot" },	\
		{ ACCEPT_ALLOC,		"alloc" },	\
		{ ACCEPT_ATOMIC,	"atomic" },	\
		{ ACCEPT_BACKGROUND,	"background" },	\
		{ ACCEPT_RANGE,		"range" })

/* One unit, with interrupts off. */
TRACE_EVENT(accept_unit,

	TP_PROTO(u64 start, int cause, bool guard, u64 ns),

	TP_ARGS(start, cause, guard, ns),

	TP_STRUCT__entry(
		__field(u64, start)
		__field(int, cause)
		__field(bool, guard)
		__field(u64, ns)
	),

	TP_fast_assign(
		__entry->start = start;
		__entry->cause = cause;
		__entry->guard = guard;
		__entry->ns = ns;
	),

	TP_printk("start=0x%llx cause=%s guard=%d ns=%llu", __entry->start,
		  show_accept_cause(__entry->cause), __entry->guard,
		  __entry->ns)
);

/* An allocation that had to accept, or to wait for who did. */
TRACE_EVENT(accept_stall,

	TP_PROTO(unsigned long pfn, unsigned int order, gfp_t gfp,
		 unsigned int units, u64 ns),

	TP_ARGS(pfn, order, gfp, units, ns),

	TP_STRUCT__entry(
		__field(unsigned long, pfn)
		__field(unsigned int, order)
		__field(unsigned long, gfp)
		__field(unsigned int, units)
		__field(u64, ns)
	),

	TP_fast_assign(
		__entry->pfn = pfn;
		__entry->order = order;
		__entry->gfp = (__force unsigned long)gfp;
		__entry->units = units;
		__entry->ns = ns;
	),

	TP_printk("pfn=0x%lx order=%u gfp=%s units=%u ns=%llu", __entry->pfn,
		  __entry->order, show_gfp_flags(__entry->gfp),
		  __entry->units, __entry->ns)
);

#endif /* _TRACE_UNACCEPTED_H */

#include <trace/define_trace.h>
