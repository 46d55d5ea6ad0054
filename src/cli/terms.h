/* The library's messages name settings and fields ("settings.rate", "options.resume"); commands have options for them.
 */
#ifndef IDEM_CLI_TERMS_H
#define IDEM_CLI_TERMS_H

/* The text with settings and fields replaced by options, malloc'ed: "--rate", "--resume"; "settings.rate=1" becomes
 * "--rate 1". NULL if memory is short. */
char *idem_cli_terms(const char *text);

#endif
