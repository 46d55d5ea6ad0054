/* Memory of this process. Megabytes ("mb" in reports) are of 10^6 bytes. */
#ifndef IDEM_BASE_MEMORY_H
#define IDEM_BASE_MEMORY_H

/* Peak resident set of this process, in megabytes; 0: unknown. */
double idem_peak_rss_mb(void);

#endif
