/* What a written picture says of its origin: texts of idem's own and, by the standard of the press (IPTC), whether a
 * machine painted it. Both go into one XMP packet; PNG files hold the texts beside it, too. */
#ifndef IDEM_MEDIA_XMP_H
#define IDEM_MEDIA_XMP_H

#include <stddef.h>

/* IPTC's digital source types, cv.iptc.org/newscodes/digitalsourcetype. */
typedef enum {
    IDEM_SOURCE_UNSAID,
    IDEM_SOURCE_GENERATED, /* trainedAlgorithmicMedia: a generator painted all of it */
    IDEM_SOURCE_COMPOSITE  /* compositeSynthetic: photographs and what a generator painted, in one picture */
} idem_source_type;

typedef struct {
    const char *const *texts; /* key, value, key, value, ..., NULL; keys are XML names in ASCII */
    idem_source_type source;
} idem_marks;

/* Of what nothing synthetic is in: the tool alone. */
extern const idem_marks idem_marks_no_source;

/* A PNG's keyword of the text that is a packet (iTXt). */
#define IDEM_XMP_KEYWORD "XML:com.adobe.xmp"
#define IDEM_XMP_NAMESPACE "urn:idem:origin" /* of the texts, prefix `idem` */

/* The packet, 0-terminated and malloc'ed, its length in *size. NULL with a message on failure. */
char *idem_xmp_packet(const idem_marks *marks, size_t *size);

#endif
