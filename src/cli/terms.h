/* The library speaks of its settings and of fields of its options ("settings.rate", "options.resume"); commands have
 * options for them. */
#ifndef IDEM_CLI_TERMS_H
#define IDEM_CLI_TERMS_H

/* The text with options in place of settings and fields, malloc'ed: "--rate", "--resume"; "settings.rate=1" is "--rate
 * 1". What is neither stays. NULL when memory is short. */
char *idem_cli_terms(const char *text);

#endif
