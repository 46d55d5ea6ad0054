/* A request's form: pictures and settings as multipart/form-data or as application/x-www-form-urlencoded, kept in
 * memory, without file names. */
#ifndef IDEM_SERVE_FORM_H
#define IDEM_SERVE_FORM_H

#include <microhttpd.h>
#include <stddef.h>

/* IDEM_FORM_GRID: rows or columns of a grid, at most. */
enum { IDEM_FORM_GRID = 4, IDEM_FORM_PICTURES = 9, IDEM_FORM_SETTINGS = 11, IDEM_FORM_SETTING = 48 };

/* In the order of both tables in form.c. */
enum {
    IDEM_PICTURE_IDENTITY,                                            /* up to IDEM_FORM_GRID of them */
    IDEM_PICTURE_ATTRIBUTES = IDEM_PICTURE_IDENTITY + IDEM_FORM_GRID, /* and of these */
    IDEM_PICTURE_PHOTOGRAPH = IDEM_PICTURE_ATTRIBUTES + IDEM_FORM_GRID
};
enum {
    IDEM_FIELD_FACE,
    IDEM_FIELD_REFINE,
    IDEM_FIELD_KEEP_SIZE,
    IDEM_FIELD_INPUT,
    IDEM_FIELD_STEPS,
    IDEM_FIELD_SPACE,
    IDEM_FIELD_JOB,
    IDEM_FIELD_SIMILARITY,
    IDEM_FIELD_HIDE,
    IDEM_FIELD_SEED,
    IDEM_FIELD_REPORT
};

typedef struct {
    unsigned char *bytes; /* NULL: not sent */
    size_t size, capacity;
} idem_form_picture;

typedef struct {
    idem_form_picture pictures[IDEM_FORM_PICTURES];
    char settings[IDEM_FORM_SETTINGS][IDEM_FORM_SETTING]; /* "": not sent */
    char error[160];                                      /* "": none yet */
    struct MHD_PostProcessor *post;
} idem_form;

/* -1: the request's Content-Type is neither, or memory is short. */
int idem_form_open(idem_form *form, struct MHD_Connection *connection);
/* Adds the next bytes of the body; errors are kept in form->error. */
void idem_form_add(idem_form *form, const char *bytes, size_t size);
/* Ends the body; -1 with form->error if it was wrong. */
int idem_form_finish(idem_form *form);
void idem_form_free(idem_form *form);

/* A whole number from `least` to `most`; `otherwise` if not sent. -1 with form->error. */
int idem_form_number(idem_form *form, int setting, int least, int most, int otherwise, int *value);
/* A number from `least` to `most`; NaN if not sent. -1 with form->error. */
int idem_form_real(idem_form *form, int setting, double least, double most, double *value);
/* The index of the value among `choices`; 0 if not sent. -1 with form->error. */
int idem_form_choice(idem_form *form, int setting, const char *const *choices, int n, int *value);
/* The field of a picture: "identity". Constant. */
const char *idem_form_picture_name(int picture);
/* -1 with form->error if the picture was not sent. */
int idem_form_wants(idem_form *form, int picture);

#endif
