#pragma once

#include "http/router.h"

/* The second step of signing in. */
handler sign_in_code_show;
handler sign_in_code_do;
/* On the person's own account. */
handler second_factor_show;
handler second_factor_on;
handler second_factor_off;
handler second_factor_codes;
