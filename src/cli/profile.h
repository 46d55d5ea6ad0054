/* --profile: where the time of a command's networks went, on standard error when the command is over. */
#ifndef IDEM_CLI_PROFILE_H
#define IDEM_CLI_PROFILE_H

/* Times the steps of all plans from now on; rows: nodes to print, 0 for all. */
void idem_cli_profile_begin(int rows);
/* Prints, if there was a beginning. Plans must be freed: only then do they count. */
void idem_cli_profile_end(void);

#endif
