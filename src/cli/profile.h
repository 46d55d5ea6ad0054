/* --profile: the profile of a command's networks, on standard error after the command. */
#ifndef IDEM_CLI_PROFILE_H
#define IDEM_CLI_PROFILE_H

/* Times the steps of all plans from now on; rows: nodes to print, 0 for all. */
void idem_cli_profile_begin(int rows);
/* Prints the profile if it was begun. Plans count only once freed. */
void idem_cli_profile_end(void);

#endif
