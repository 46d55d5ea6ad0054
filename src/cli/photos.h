/* The networks that look at photographs, opened from the folder of downloaded models, for commands. */
#ifndef IDEM_CLI_PHOTOS_H
#define IDEM_CLI_PHOTOS_H

#include "cli/reading.h"
#include "face/embed.h"
#include "face/photo.h"

/* NULL with a message that names what is missing and the command that fetches it. */
idem_finder *idem_asset_finder(bool pose, const idem_plan_options *options);
idem_embedder *idem_asset_embedder(bool judge, const idem_plan_options *options);

#endif
