/* An answer to a request: a picture, JSON, or an error. */
#ifndef IDEM_SERVE_ANSWER_H
#define IDEM_SERVE_ANSWER_H

#include <stddef.h>

#include "serve/form.h"

typedef struct {
    int status;       /* of HTTP */
    const char *type; /* constant */
    char *bytes;      /* malloc'ed */
    size_t size;
} idem_answer;

void idem_answer_json(idem_answer *answer, void *json); /* a json_t; takes ownership */
/* The bytes of a picture's file, from idem_encode_view and the like; takes ownership. */
void idem_answer_picture(idem_answer *answer, unsigned char *bytes, size_t size);
/* "image/png", "image/jpeg" or "image/webp", by the first bytes. Constant. */
const char *idem_answer_picture_type(const unsigned char *bytes, size_t size);

/* {"error": {"kind": ..., "message": ...}} */
void idem_answer_error(idem_answer *answer, int status, const char *kind, const char *message);
void idem_answer_form_error(idem_answer *answer, const idem_form *form);
/* The library's last message. field: the form's field of the picture; NULL: none. */
void idem_answer_library_error(idem_answer *answer, const char *field);
void idem_answer_no_memory(idem_answer *answer);

#endif
