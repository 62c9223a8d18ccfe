#pragma once

#include "http/router.h"

/* What holds for the whole installation, for its administrators. */
handler installation_show;
handler installation_update;
handler installation_test;
