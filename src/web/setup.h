#pragma once

#include "http/router.h"

handler setup_show;
handler setup_do;
