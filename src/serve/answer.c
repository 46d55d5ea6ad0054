#define _GNU_SOURCE
#include "serve/answer.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "idem.h"
#include "serve/terms.h"

void idem_answer_json(idem_answer *answer, void *json) {
    char *text = json ? json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(json);
    if (!text)
        *answer = (idem_answer){.status = MHD_HTTP_INTERNAL_SERVER_ERROR, .type = "application/json"};
    else
        *answer = (idem_answer){MHD_HTTP_OK, "application/json", text, strlen(text)};
}

const char *idem_answer_picture_type(const unsigned char *bytes, size_t size) {
    return size > 2 && bytes[0] == 0xff && bytes[1] == 0xd8 ? "image/jpeg"
           : size > 4 && !memcmp(bytes, "RIFF", 4)          ? "image/webp"
                                                            : "image/png";
}

void idem_answer_picture(idem_answer *answer, unsigned char *bytes, size_t size) {
    char *copy = malloc(size); /* the server frees with free() */
    if (copy) {
        memcpy(copy, bytes, size);
        *answer = (idem_answer){MHD_HTTP_OK, idem_answer_picture_type(bytes, size), copy, size};
    } else {
        idem_answer_no_memory(answer);
    }
    idem_free_bytes(bytes);
}

void idem_answer_error(idem_answer *answer, int status, const char *kind, const char *message) {
    idem_answer_json(answer, json_pack("{s:{s:s, s:s+}}", "error", "kind", kind, "message", message, ""));
    answer->status = status;
}

void idem_answer_form_error(idem_answer *answer, const idem_form *form) {
    idem_answer_error(answer, MHD_HTTP_BAD_REQUEST, "request", form->error);
}

void idem_answer_library_error(idem_answer *answer, const char *field) {
    static const struct {
        int kind, status;
        const char *name;
    } kinds[] = {
        {IDEM_ERROR_INPUT, MHD_HTTP_UNPROCESSABLE_CONTENT, "input"},
        {IDEM_ERROR_MISSING, MHD_HTTP_SERVICE_UNAVAILABLE, "missing"},
        {IDEM_ERROR_MEMORY, MHD_HTTP_SERVICE_UNAVAILABLE, "memory"},
        {IDEM_ERROR_INTERRUPTED, MHD_HTTP_SERVICE_UNAVAILABLE, "interrupted"},
        {IDEM_ERROR_INTERNAL, MHD_HTTP_INTERNAL_SERVER_ERROR, "internal"},
    };
    const size_t last = sizeof kinds / sizeof *kinds - 1;
    const int kind = idem_error_kind();
    size_t i = 0;
    while (i < last && kinds[i].kind != kind)
        i++;
    char *message = idem_serve_terms(idem_last_error(), field);
    idem_answer_error(answer, kinds[i].status, kinds[i].name, message ? message : idem_last_error());
    free(message);
}

void idem_answer_no_memory(idem_answer *answer) {
    idem_answer_error(answer, MHD_HTTP_SERVICE_UNAVAILABLE, "memory", "memory is short");
}
