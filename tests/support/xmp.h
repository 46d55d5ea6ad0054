/* XMP packets in written files. A failure here fails the test that called. */
#ifndef IDEM_TESTS_SUPPORT_XMP_H
#define IDEM_TESTS_SUPPORT_XMP_H

#include <stddef.h>

#define XMP_GENERATED "trainedAlgorithmicMedia"
#define XMP_COMPOSITE "compositeSynthetic"

/* The packet is well-formed XML, all its prefixes are declared, and IPTC's digital source type is this one of its list;
 * NULL: none. */
void xmp_check(const char *name, const void *packet, size_t size, const char *source);

#endif
