#pragma once

#include "http/router.h"

handler member_index;
handler member_make;
handler member_update;
handler member_expel;
handler member_confirm_leave;
handler member_leave;
handler member_confirm_hand_over;
handler member_make_owner;
