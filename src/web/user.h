#pragma once

#include "http/router.h"

/* The accounts of the installation, for its administrators. */
handler user_index;
handler user_change;
handler user_reset_link;
handler user_drop_factor;
