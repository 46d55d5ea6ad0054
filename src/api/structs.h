/* Only for src/api: the caller's structs, whose first member, size_t struct_size, identifies their version. */
#ifndef IDEM_API_STRUCTS_H
#define IDEM_API_STRUCTS_H

#include <stddef.h>

/* Sets all to zero except the size, which the program gives. No effect if it is NULL or too small. */
void idem_struct_clear(void *options, size_t struct_size);
/* Checks that a call's options have `bytes` bytes, 0 for NULL; -1: another size. */
int idem_struct_check(const char *call, const void *options, size_t bytes);

#endif
