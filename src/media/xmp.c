#define _GNU_SOURCE
#include "media/xmp.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/status.h"

const idem_marks idem_marks_no_source = {.texts = (const char *const[]){"Software", "idem", NULL}};

static void put_escaped(FILE *f, const char *s) {
    for (; *s; s++)
        switch (*s) {
        case '&':
            fputs("&amp;", f);
            break;
        case '<':
            fputs("&lt;", f);
            break;
        case '"':
            fputs("&quot;", f);
            break;
        default:
            fputc(*s, f);
        }
}

/* All of it as attributes of one description. */
static void put_packet(FILE *f, const idem_marks *marks) {
    static const char *const types[] = {
        [IDEM_SOURCE_GENERATED] = "trainedAlgorithmicMedia", [IDEM_SOURCE_COMPOSITE] = "compositeSynthetic"};
    fputs("<?xpacket begin=\"\xef\xbb\xbf\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>" /* XMP's own mark */
          "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">"
          "<rdf:Description rdf:about=\"\" xmlns:idem=\"" IDEM_XMP_NAMESPACE "\"",
          f);
    if (marks->source)
        fprintf(f,
                " xmlns:Iptc4xmpExt=\"http://iptc.org/std/Iptc4xmpExt/2008-02-29/\""
                " Iptc4xmpExt:DigitalSourceType=\"http://cv.iptc.org/newscodes/digitalsourcetype/%s\"",
                types[marks->source]);
    for (const char *const *text = marks->texts; text && text[0]; text += 2) {
        fprintf(f, " idem:%s=\"", text[0]);
        put_escaped(f, text[1]);
        fputc('"', f);
    }
    fputs("/></rdf:RDF></x:xmpmeta><?xpacket end=\"r\"?>", f);
}

char *idem_xmp_packet(const idem_marks *marks, size_t *size) {
    char *packet = NULL;
    FILE *f = open_memstream(&packet, size);
    if (f) {
        put_packet(f, marks);
        if (fclose(f) == 0)
            return packet;
        free(packet);
    }
    return idem_fail_null_as(IDEM_MEMORY, "out of memory for the metadata of a picture");
}
