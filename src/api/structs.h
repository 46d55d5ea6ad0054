/* Inside src/api only: structs of the caller's whose first member, size_t struct_size, says which they are. */
#ifndef IDEM_API_STRUCTS_H
#define IDEM_API_STRUCTS_H

#include <stddef.h>

/* All zero but the size, which the program knows. Nothing if it is NULL or too small for that. */
void idem_struct_clear(void *options, size_t struct_size);
/* Options of a call of `bytes`; -1: of another size; NULL has 0 bytes. */
int idem_struct_check(const char *call, const void *options, size_t bytes);

#endif
