/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM unmapped

#if !defined(_TRACE_UNMAPPED_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_UNMAPPED_H

#include <linux/tracepoint.h>
#include <linux/types.h>

DECLARE_EVENT_CLASS(unmapped_pages,

	TP_PROTO(int nid, unsigned long pfn, unsigned int nr),

	TP_ARGS(nid, pfn, nr),

	TP_STRUCT__entry(
		__field(int, nid)
		__field(unsigned long, pfn)
		__field(unsigned int, nr)
	),

	TP_fast_assign(
		__entry->nid = nid;
		__entry->pfn = pfn;
		__entry->nr = nr;
	),

	TP_printk("nid=%d pfn=0x%lx nr=%u",
		  __entry->nid, __entry->pfn, __entry->nr)
);

DEFINE_EVENT(unmapped_pages, unmapped_refill,
	TP_PROTO(int nid, unsigned long pfn, unsigned int nr),
	TP_ARGS(nid, pfn, nr)
);

DEFINE_EVENT(unmapped_pages, unmapped_return,
	TP_PROTO(int nid, unsigned long pfn, unsigned int nr),
	TP_ARGS(nid, pfn, nr)
);

#endif /* _TRACE_UNMAPPED_H */

#include <trace/define_trace.h>
