/* Plug-ins: shared objects of idem around optional libraries, or libraries whose licences must not apply to idem
 * itself. They are opened on demand. */
#ifndef IDEM_BASE_PLUGIN_H
#define IDEM_BASE_PLUGIN_H

#include <stddef.h>

/* The symbol of the plug-in `file` ("idem-heif.so"), which stays open. It is searched in $IDEM_PLUGINS, beside the
 * library or the program (and in idem/ there), in the folder above, and in the install's folder. NULL if there is none
 * (why[n] is "") or if it cannot be opened (why[n] is the system's message). */
void *idem_plugin_symbol(const char *file, const char *symbol, char *why, size_t n);

#endif
