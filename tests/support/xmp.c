#define _GNU_SOURCE
#include "support/xmp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { DEEP = 16 };

/* XML as far as packets go: tags, attributes, processing instructions, nothing between tags. */
typedef struct {
    const char *at;
    char open[DEEP][64];
    int depth;
    bool bad;
} reader;

static bool take(reader *r, const char *text) {
    const size_t n = strlen(text);
    if (strncmp(r->at, text, n))
        return false;
    r->at += n;
    return true;
}

static void want(reader *r, bool right) {
    r->bad = r->bad || !right;
}

static void take_name(reader *r, char *name) {
    const size_t n = strspn(r->at, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789:-");
    want(r, n > 0 && n < 64);
    snprintf(name, 64, "%.*s", (int)n, r->at);
    r->at += n;
}

/* A value in double quotes: no "<", and "&" only where a character is written so. */
static void take_value(reader *r) {
    want(r, take(r, "\""));
    for (; *r->at && *r->at != '"' && !r->bad; r->at++) {
        want(r, *r->at != '<' && (unsigned char)*r->at >= ' ');
        if (*r->at == '&')
            want(r, !strncmp(r->at, "&amp;", 5) || !strncmp(r->at, "&lt;", 4) || !strncmp(r->at, "&quot;", 6));
    }
    want(r, take(r, "\""));
}

static void want_declared(reader *r, const char *packet, const char *name) {
    char declaration[80];
    const char *colon = strchr(name, ':');
    want(r, colon != NULL);
    if (r->bad || !strncmp(name, "xmlns:", 6))
        return;
    snprintf(declaration, sizeof declaration, "xmlns:%.*s=\"", (int)(colon - name), name);
    want(r, strstr(packet, declaration) != NULL);
}

static void take_tag(reader *r, const char *packet) {
    char names[32][64];
    int n = 0;
    if (take(r, "</")) {
        take_name(r, names[0]);
        want(r, r->depth > 0 && take(r, ">"));
        want(r, r->bad || !strcmp(names[0], r->open[--r->depth]));
        return;
    }
    want(r, take(r, "<"));
    take_name(r, names[n++]);
    while (!r->bad && take(r, " ")) {
        take_name(r, names[n]);
        want(r, take(r, "="));
        take_value(r);
        for (int i = 1; i < n; i++)
            want(r, strcmp(names[i], names[n]) != 0); /* each once */
        want(r, ++n < 32);
    }
    for (int i = 0; i < n && !r->bad; i++)
        want_declared(r, packet, names[i]);
    if (!take(r, "/>")) {
        want(r, take(r, ">") && r->depth < DEEP);
        if (!r->bad)
            strcpy(r->open[r->depth++], names[0]);
    }
}

static bool is_well_formed(const char *packet) {
    reader r = {.at = packet};
    want(&r, take(&r, "<?xpacket begin=\"\xef\xbb\xbf\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>"));
    do
        take_tag(&r, packet);
    while (!r.bad && r.depth);
    return !r.bad && take(&r, "<?xpacket end=\"r\"?>") && !*r.at;
}

void xmp_check(const char *name, const void *packet, size_t size, const char *source) {
    char *text = strndup(packet, size), type[256];
    assert_int_equal(strlen(text), size);
    snprintf(type, sizeof type, " Iptc4xmpExt:DigitalSourceType=\"http://cv.iptc.org/newscodes/digitalsourcetype/%s\"",
             source ? source : "");
    const bool right = is_well_formed(text) &&
                       (source ? strstr(text, type) &&
                                     strstr(text, "xmlns:Iptc4xmpExt=\"http://iptc.org/std/Iptc4xmpExt/2008-02-29/\"")
                               : !strstr(text, "DigitalSourceType"));
    if (!right) {
        print_message("%s: XMP, expected to say %s: %s\n", name, source ? source : "no source", text);
        fail();
    }
    free(text);
}
