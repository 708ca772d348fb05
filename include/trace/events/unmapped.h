/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM unmapped

#if !defined(_TRACE_UNMAPPED_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_UNMAPPED_H

#include <linux/tracepoint.h>
#include <linux/types.h>

DECLARE_EVENT_CLASS(unmapped_block,

	TP_PROTO(int nid, unsigned long pfn, unsigned int order),

	TP_ARGS(nid, pfn, order),

	TP_STRUCT__entry(
		__field(int, nid)
		__field(unsigned long, pfn)
		__field(unsigned int, order)
	),

	TP_fast_assign(
		__entry->nid = nid;
		__entry->pfn = pfn;
		__entry->order = order;
	),

	TP_printk("nid=%d pfn=0x%lx order=%u",
		  __entry->nid, __entry->pfn, __entry->order)
);

DEFINE_EVENT(unmapped_block, unmapped_refill,
	TP_PROTO(int nid, unsigned long pfn, unsigned int order),
	TP_ARGS(nid, pfn, order)
);

DEFINE_EVENT(unmapped_block, unmapped_return,
	TP_PROTO(int nid, unsigned long pfn, unsigned int order),
	TP_ARGS(nid, pfn, order)
);

#endif /* _TRACE_UNMAPPED_H */

#include <trace/define_trace.h>
