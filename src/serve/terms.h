/* The library's messages name fields of its calls ("options.threads", "the picture in memory"); a client knows the
 * form's fields and the options of idem serve. */
#ifndef IDEM_SERVE_TERMS_H
#define IDEM_SERVE_TERMS_H

/* A message of the library in a request's terms, malloc'ed: "options.threads" becomes "idem serve --threads". field:
 * the form's field of the picture; the message then begins with it ("identity: no face was found"); may be NULL. NULL
 * if memory is short. */
char *idem_serve_terms(const char *message, const char *field);

#endif
