#pragma once

#include "http/router.h"

/* POST /hooks/ses/{brand token}: what Amazon SNS delivers of Amazon SES. */
handler hook_ses;
