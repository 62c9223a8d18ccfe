#pragma once

#include "http/router.h"

/* What becomes of mails in doubt: the page that asks, and the decision. */
handler doubt_confirm;
handler doubt_decide;
