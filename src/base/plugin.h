/* Plug-ins: shared objects of idem's own around libraries that not everybody has, or whose licences idem itself shall
 * not take on. They are opened when something needs them. */
#ifndef IDEM_BASE_PLUGIN_H
#define IDEM_BASE_PLUGIN_H

#include <stddef.h>

/* The symbol of the plug-in `file` ("idem-heif.so"), which stays open. It is looked for in $IDEM_PLUGINS, beside the
 * library or the program (and in idem/ there), in the folder above, and where the install puts it. NULL, and in why[n]
 * what the system says of a plug-in that is there but cannot be opened, or "" when there is none. */
void *idem_plugin_symbol(const char *file, const char *symbol, char *why, size_t n);

#endif
