#pragma once

#include "http/router.h"

handler member_index;
handler member_make;
handler member_update;
handler member_leave;
