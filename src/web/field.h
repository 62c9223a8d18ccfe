#pragma once

#include "http/router.h"

handler field_index;
handler field_new;
handler field_make;
handler field_show;
handler field_edit;
handler field_update;
handler field_confirm_drop;
handler field_drop;
