#pragma once

#include "http/router.h"

handler password_reset_new;  /* GET /forgot: asks for the address */
handler password_reset_send; /* POST /forgot */
handler password_reset_show; /* GET /reset/{*}: changes nothing */
handler password_reset_do;   /* POST /reset/{*} */
