/* The origin stored in written pictures: idem's texts and, by the IPTC standard, whether the picture is synthetic. Both
 * are in one XMP packet; PNG files also contain the texts separately. */
#ifndef IDEM_MEDIA_XMP_H
#define IDEM_MEDIA_XMP_H

#include <stddef.h>

/* IPTC's digital source types, cv.iptc.org/newscodes/digitalsourcetype. */
typedef enum {
    IDEM_SOURCE_UNSAID,
    IDEM_SOURCE_GENERATED, /* trainedAlgorithmicMedia: all of it is generated */
    IDEM_SOURCE_COMPOSITE  /* compositeSynthetic: photographs and generated parts in one picture */
} idem_source_type;

typedef struct {
    const char *const *texts; /* key, value, key, value, ..., NULL; keys are XML names in ASCII */
    idem_source_type source;
} idem_marks;

/* For pictures without synthetic parts: only the tool. */
extern const idem_marks idem_marks_no_source;

/* The keyword of the packet in a PNG (iTXt). */
#define IDEM_XMP_KEYWORD "XML:com.adobe.xmp"
#define IDEM_XMP_NAMESPACE "urn:idem:origin" /* of the texts, prefix `idem` */

/* The packet, NUL-terminated and malloc'ed, its length in *size. NULL with a message on failure. */
char *idem_xmp_packet(const idem_marks *marks, size_t *size);

#endif
