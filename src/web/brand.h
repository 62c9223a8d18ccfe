#pragma once

#include "http/router.h"

handler home_show;
handler brand_index;
handler brand_new;
handler brand_make;
handler brand_show;
handler brand_edit;
handler brand_update;
