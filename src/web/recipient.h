#pragma once

#include "http/router.h"

handler recipient_index;
handler recipient_csv;
