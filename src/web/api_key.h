#pragma once

#include "http/router.h"

handler api_key_index;
handler api_key_make;
handler api_key_drop;
