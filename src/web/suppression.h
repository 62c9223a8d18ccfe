#pragma once

#include "http/router.h"

handler suppression_index;
handler suppression_new;
handler suppression_put;
handler suppression_csv;
handler suppression_ask;
handler suppression_drop;
